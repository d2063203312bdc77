"""Second factors: what is tried to get round them."""

import asyncio
import re

import pytest

from auth.limits.sign_in import CODES
from auth.mfa.challenges import LIFETIME_SECONDS
from core.keyvalue import KeyValue
from core.postgres import Postgres
from tests.auth.mfa.authenticator import first_step, second_step, set_up
from tests.auth.process import PASSWORD, MakePerson, MovableClock, Process, Start

SHORT = "tulip-72"


async def test_an_app_is_in_force_when_it_has_shown_a_code(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    async with process.client() as http:
        begun = (await http.post("/api/auth/second-factor/totp", headers=kim.bearer)).json()
        assert begun["uri"].startswith("otpauth://totp/Headrace:")
        assert begun["picture"].startswith("<svg")
        login = await http.post("/api/auth/login", json=kim.credentials)
        assert "access_token" in login.json(), "it was in force before it was confirmed"
        wrong = await http.post(
            "/api/auth/second-factor/totp/confirm", json={"code": "000000"}, headers=kim.bearer
        )
        assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_code")
    app = await set_up(process, kim, clock)
    assert len(set(app.recovery_codes)) == 10
    token = await first_step(process, kim)
    answer = await second_step(process, token, app.next_code())
    assert answer.status_code == 200
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    async with process.client() as http:
        assert (await http.get("/api/auth/me", headers=bearer)).status_code == 200
        factors = (await http.get("/api/auth/second-factor", headers=bearer)).json()
        assert factors["totp_since"] is not None
        assert factors["recovery_codes_left"] == 10
        again = await http.post("/api/auth/second-factor/totp", headers=bearer)
        assert again.status_code == 409
    await process.mailbox.letter(kim.email, "A second factor was added")


async def test_the_same_code_twice_fails_the_second_time(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    used = app.code()
    token = await first_step(process, kim)
    assert (await second_step(process, token, used)).status_code == 401, "the code of the set-up was taken"
    code = app.next_code()
    assert (await second_step(process, token, code)).status_code == 200
    token = await first_step(process, kim)
    assert (await second_step(process, token, code)).status_code == 401


async def test_the_same_code_at_the_same_moment_opens_one_session(
    start: Start, person: MakePerson, clock: MovableClock
) -> None:
    here, there = await start(), await start()
    kim = await person(here)
    app = await set_up(here, kim, clock)
    tokens = [await first_step(here, kim) for _ in range(4)]
    code = app.next_code()
    answers = await asyncio.gather(
        *(second_step(where, token, code) for where, token in zip((here, there) * 2, tokens, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


@pytest.mark.parametrize(("steps", "status"), [(-3, 401), (-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
async def test_codes_are_good_for_one_step_around_now(
    process: Process, person: MakePerson, clock: MovableClock, steps: int, status: int
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    clock.move(minutes=5)
    # Not at the edge of a step, where the time that the test takes would decide.
    clock.move(seconds=(40 - clock.now().timestamp()) % 30)
    token = await first_step(process, kim)
    assert (await second_step(process, token, app.code(steps=steps))).status_code == status


async def test_guessing_stops_after_a_few_tries_wherever_they_come_from(
    start: Start, person: MakePerson, clock: MovableClock
) -> None:
    here, there = await start(), await start()
    kim = await person(here)
    app = await set_up(here, kim, clock)
    clock.move(minutes=1)
    statuses = []
    for guess in range(CODES + 2):
        where = (here, there)[guess % 2]
        token = await first_step(where, kim, address=f"198.51.100.{guess}")
        answer = await second_step(where, token, f"{guess:06}", address=f"203.0.113.{guess}")
        statuses.append(answer.status_code)
    # One code was counted when the app was set up.
    assert statuses == [401] * (CODES - 1) + [429] * 3
    token = await first_step(here, kim)
    right = await second_step(here, token, app.next_code())
    assert right.status_code == 429, "the right code after too many tries tells a guesser that it is right"


async def test_what_is_no_code_is_refused(process: Process, person: MakePerson, clock: MovableClock) -> None:
    kim = await person(process)
    await set_up(process, kim, clock)
    token = await first_step(process, kim)
    for code in ("12345", "\N{FULLWIDTH DIGIT ONE}23456", "\u0000", "x" * 64):
        assert (await second_step(process, token, code)).status_code in (401, 422)


async def test_a_recovery_code_works_once_also_under_a_race(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    tokens = [await first_step(process, kim) for _ in range(4)]
    code = app.recovery_codes[0]
    answers = await asyncio.gather(*(second_step(process, token, code.upper()) for token in tokens))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    bearer = next(answer.json()["access_token"] for answer in answers if answer.status_code == 200)
    async with process.client() as http:
        factors = await http.get("/api/auth/second-factor", headers={"authorization": f"Bearer {bearer}"})
    assert factors.json()["recovery_codes_left"] == 9
    await process.mailbox.letter(kim.email, "A recovery code was used")


async def test_recovery_codes_are_stored_as_hashes_and_can_be_replaced(
    process: Process, person: MakePerson, clock: MovableClock, postgres: Postgres
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    rows = await postgres.fetch("SELECT * FROM recovery_codes WHERE user_id = $1", kim.user_id)
    assert len(rows) == 10
    assert not any(code in str(dict(row)) for row in rows for code in app.recovery_codes)
    assert all(re.fullmatch(r"[a-z2-9]{4}(-[a-z2-9]{4}){3}", code) for code in app.recovery_codes)
    async with process.client() as http:
        fresh = await http.post("/api/auth/second-factor/recovery-codes", headers=kim.bearer)
    assert fresh.status_code == 200
    token = await first_step(process, kim)
    assert (await second_step(process, token, app.recovery_codes[0])).status_code == 401
    assert (await second_step(process, token, fresh.json()["recovery_codes"][0])).status_code == 200


async def test_the_token_between_the_steps_opens_nothing_else(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    await set_up(process, kim, clock)
    token = await first_step(process, kim)
    bearer = {"authorization": f"Bearer {token}"}
    async with process.client() as http:
        for path in ("/api/auth/me", "/api/probe", "/v1/probe", "/api/keys"):
            assert (await http.get(path, headers=bearer)).status_code == 401
        assert (await http.post("/api/auth/refresh", json={"refresh_token": token})).status_code == 401
        cookie = {"cookie": f"__Host-headrace_access={token}"}
        assert (await http.get("/api/auth/me", headers=cookie)).status_code == 401
        reset = {"token": token, "password": "nine copper kettles in the rain"}
        assert (await http.post("/api/auth/reset-password", json=reset)).status_code == 410


async def test_the_token_between_the_steps_is_short_lived_and_works_once(
    process: Process, person: MakePerson, clock: MovableClock, keyvalue: KeyValue
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    token = await first_step(process, kim)
    assert 0 < LIFETIME_SECONDS <= 600
    assert (await second_step(process, token, app.next_code())).status_code == 200
    assert (await second_step(process, token, app.next_code())).status_code == 401
    assert (await second_step(process, "guessed", app.next_code())).status_code == 401


async def test_a_reset_by_mail_does_not_get_round_it(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    async with process.client() as http:
        await http.post("/api/auth/forgotten-password", json={"email": kim.email})
        token = await process.mailbox.token(kim.email, "Set a new password")
        new = "nine copper kettles in the rain"
        reset = await http.post("/api/auth/reset-password", json={"token": token, "password": new})
        assert reset.status_code == 204
    kim.password = new
    token = await first_step(process, kim)
    assert (await second_step(process, token, app.next_code())).status_code == 200


async def test_a_shorter_password_is_enough_beside_it_and_then_it_cannot_be_removed(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    change = {"current_password": PASSWORD, "password": SHORT}
    async with process.client() as http:
        alone = await http.post("/api/auth/password", json=change, headers=kim.bearer)
        assert (alone.status_code, alone.json()["code"]) == (422, "weak_password")
        await set_up(process, kim, clock)
        beside = await http.post("/api/auth/password", json=change, headers=kim.bearer)
        assert beside.status_code == 200
        seven = {"current_password": SHORT, "password": SHORT[:7]}
        assert (await http.post("/api/auth/password", json=seven, headers=kim.bearer)).status_code == 422
        refused = await http.delete("/api/auth/second-factor/totp", headers=kim.bearer)
        assert refused.status_code == 409
        longer = {"current_password": SHORT, "password": PASSWORD}
        assert (await http.post("/api/auth/password", json=longer, headers=kim.bearer)).status_code == 200
        removed = await http.delete("/api/auth/second-factor/totp", headers=kim.bearer)
        assert removed.status_code == 204
        login = await http.post("/api/auth/login", json=kim.credentials)
    assert "access_token" in login.json()
    await process.mailbox.letter(kim.email, "Your second factor was removed")


async def test_setting_it_up_or_removing_it_needs_a_fresh_proof(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    clock.move(minutes=16)
    async with process.client() as http:
        said = (await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})).json()
        bearer = {"authorization": f"Bearer {said['access_token']}"}
        for method, path in (
            ("POST", "/totp"),
            ("POST", "/totp/confirm"),
            ("DELETE", "/totp"),
            ("POST", "/recovery-codes"),
        ):
            body = {"code": "123456"} if path.endswith("confirm") else None
            answer = await http.request(method, f"/api/auth/second-factor{path}", json=body, headers=bearer)
            assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required"), path


async def test_somebody_elses_code_does_not_help(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim, mia = await person(process), await person(process)
    await set_up(process, kim, clock)
    other = await set_up(process, mia, clock)
    token = await first_step(process, kim)
    assert (await second_step(process, token, other.recovery_codes[0])).status_code == 401


async def test_guesses_that_cannot_be_counted_are_refused(
    process: Process,
    person: MakePerson,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    token = await first_step(process, kim)

    async def away(*_: object, **__: object) -> bool:
        from core.errors import Unavailable

        raise Unavailable

    monkeypatch.setattr("auth.limits.store.LimitStore.hit", away)
    assert (await second_step(process, token, app.next_code())).status_code == 503
