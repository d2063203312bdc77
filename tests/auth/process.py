"""One gateway process of which only auth is there, and people who use it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from auth.accounts.hashing import Argon2Hasher
from auth.dependencies import Admin, ApiCaller, MayChat, SignedIn, authenticate_websocket
from auth.mail.letters import Letter
from auth.router import router, well_known_router
from auth.wiring import Auth
from core.errors import HeadraceError
from core.keyvalue import KeyValue
from core.postgres import Postgres
from core.settings import Settings

PASSWORD = "seven quiet turbines by the lake"
PUBLIC_URL = "https://chat.example.com"


class MovableClock:
    """The real time, moved forward by hand."""

    def __init__(self) -> None:
        self._moved = timedelta()

    def move(self, **parts: float) -> None:
        self._moved += timedelta(**parts)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._moved

    def monotonic(self) -> float:
        return time.monotonic() + self._moved.total_seconds()


class CountingHasher(Argon2Hasher):
    """The real hasher with little work, which counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(memory_kib=1024, passes=1)
        self.calls = 0

    async def hash(self, password: str) -> str:
        self.calls += 1
        return await super().hash(password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.calls += 1
        return await super().verify(password, password_hash)


class Mailbox:
    """Takes what is sent, instead of a mail server. `tests/auth/mail` has a real one."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)

    def to(self, address: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.recipient == address]

    async def letter(self, address: str, subject: str) -> Letter:
        """The newest of this subject to this address, which may be on its way."""
        async with asyncio.timeout(10):
            while True:
                for letter in reversed(self.to(address)):
                    if subject in letter.subject:
                        return letter
                await asyncio.sleep(0.01)

    async def token(self, address: str, subject: str) -> str:
        """That of the link in such a letter, which is taken out of the box."""
        letter = await self.letter(address, subject)
        self.letters.remove(letter)
        (link,) = [line for line in letter.text.splitlines() if line.startswith(PUBLIC_URL)]
        assert link in letter.html
        return link.partition("#")[2]


@dataclass
class Process:
    """What one gateway process would hold."""

    app: FastAPI
    auth: Auth
    hasher: "CountingHasher"
    mailbox: Mailbox

    def client(
        self, *, browser: bool = False, address: str = "192.0.2.1", **headers: str
    ) -> httpx.AsyncClient:
        """A client of this process; a browser's page sends what browsers send, and keeps cookies."""
        sent = dict(headers)
        if browser:
            sent = {"origin": PUBLIC_URL, "sec-fetch-site": "same-origin", **sent}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, client=(address, 50000), raise_app_exceptions=True),
            base_url=PUBLIC_URL,
            headers=sent,
        )


@asynccontextmanager
async def running(
    settings: Settings, postgres: Postgres, keyvalue: KeyValue, clock: MovableClock, mailbox: Mailbox
) -> AsyncIterator[Process]:
    hasher = CountingHasher()
    auth = Auth(settings, postgres, keyvalue, clock, hasher=hasher, mail_sender=mailbox)
    await auth.start()
    try:
        hasher.calls = 0
        yield Process(application(auth), auth, hasher, mailbox)
    finally:
        await auth.stop()


def application(auth: Auth) -> FastAPI:
    app = FastAPI()
    app.state.auth = auth
    app.include_router(router, prefix="/api")
    app.include_router(well_known_router)

    @app.exception_handler(HeadraceError)
    async def render(_: Request, error: HeadraceError) -> JSONResponse:
        headers = dict(error.headers)
        if error.retry_after is not None:
            headers["retry-after"] = str(int(error.retry_after))
        body = {"code": error.code, "detail": error.detail, "errors": [list(field) for field in error.fields]}
        return JSONResponse(body, error.status, headers)

    @app.exception_handler(RequestValidationError)
    async def render_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"code": "invalid", "errors": [str(part["loc"]) for part in error.errors()]}, 422)

    @app.api_route("/api/probe", methods=["GET", "POST", "PATCH", "DELETE"])
    async def probe(principal: SignedIn) -> dict[str, str | None]:
        return {"user_id": principal.user_id, "session_id": principal.session_id}

    @app.get("/api/admin/probe")
    async def admin_probe(principal: Admin) -> dict[str, str]:
        return {"user_id": principal.user_id}

    @app.get("/api/chat/probe")
    async def chat_probe(principal: MayChat) -> dict[str, str]:
        return {"user_id": principal.user_id}

    @app.get("/v1/probe")
    async def api_probe(principal: ApiCaller) -> dict[str, str | None]:
        return {"user_id": principal.user_id, "key_id": principal.key_id}

    @app.websocket("/api/events")
    async def events(websocket: WebSocket) -> None:
        try:
            principal = await authenticate_websocket(websocket)
        except HeadraceError:
            await websocket.close(4401)
            return
        await websocket.accept()
        with auth.watch.ended(principal) as ended:
            await websocket.send_json({"user_id": principal.user_id})
            until = [asyncio.create_task(ended.wait()), asyncio.create_task(websocket.receive())]
            await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
            for task in until:
                task.cancel()
            if ended.is_set():
                await websocket.close(4401)

    return app


@dataclass
class Person:
    """Somebody with an account."""

    email: str
    password: str
    name: str
    user_id: str
    access_token: str
    refresh_token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token}"}

    @property
    def credentials(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}


Start = Callable[..., Awaitable[Process]]
MakePerson = Callable[..., Awaitable[Person]]
