"""A person with an authenticator app."""

from dataclasses import dataclass
from typing import Any

import httpx
import pyotp

from tests.auth.process import MovableClock, Person, Process


@dataclass
class App:
    """An authenticator app. Each code can be shown once, so the clock is moved on for the next one."""

    secret: str
    clock: MovableClock
    recovery_codes: list[str]

    def code(self, *, steps: int = 0) -> str:
        """The code of now, or of some steps later."""
        return pyotp.HOTP(self.secret).at(int(self.clock.now().timestamp()) // 30 + steps)

    def next_code(self) -> str:
        """One that was not shown yet."""
        self.clock.move(seconds=30)
        return self.code()


async def set_up(process: Process, person: Person, clock: MovableClock) -> App:
    """Set up an app for somebody whose session is fresh."""
    async with process.client() as http:
        begun = await http.post("/api/auth/second-factor/totp", headers=person.bearer)
        assert begun.status_code == 200, begun.text
        app = App(begun.json()["secret"], clock, [])
        body = {"code": app.code()}
        confirmed = await http.post("/api/auth/second-factor/totp/confirm", json=body, headers=person.bearer)
        assert confirmed.status_code == 200, confirmed.text
    app.recovery_codes = confirmed.json()["recovery_codes"]
    return app


async def first_step(process: Process, person: Person, **client: Any) -> str:
    """The token between the password and the code."""
    async with process.client(**client) as http:
        answer = await http.post("/api/auth/login", json=person.credentials)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"second_factor"}, answer.text
    assert "set-cookie" not in answer.headers
    return str(answer.json()["second_factor"]["token"])


async def second_step(process: Process, token: str, code: str, **client: Any) -> httpx.Response:
    async with process.client(**client) as http:
        return await http.post("/api/auth/login/second-factor", json={"token": token, "code": code})
