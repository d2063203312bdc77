"""An application that holds only auth, on the real PostgreSQL and Valkey of the test run."""

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from auth.accounts.hashing import Argon2Hasher
from auth.dependencies import Admin, ApiCaller, MayChat, SignedIn, authenticate_websocket
from auth.router import router, well_known_router
from auth.wiring import Auth
from core.errors import HeadraceError
from core.keyvalue import KeyValue
from core.postgres import Postgres
from core.settings import Settings

PASSWORD = "seven quiet turbines by the lake"
PUBLIC_URL = "https://chat.example.com"


@pytest.fixture(scope="session")
def auth_settings(settings: Settings) -> Settings:
    """Limits so high that they are only met where a test lowers them."""
    return Settings.model_validate(
        {
            **settings.model_dump(),
            "public_url": PUBLIC_URL,
            "logins_per_minute": 10_000,
            "registrations_per_hour": 10_000,
            "requests_per_minute": 100_000,
            "trusted_proxies": "10.0.0.0/8",
        }
    )


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


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
async def postgres(auth_settings: Settings) -> AsyncIterator[Postgres]:
    connection = Postgres(auth_settings.database_url.get_secret_value(), size=20)
    await connection.start()
    yield connection
    await connection.stop()


@pytest.fixture(scope="session")
async def keyvalue(auth_settings: Settings) -> AsyncIterator[KeyValue]:
    connection = KeyValue(auth_settings.redis_url.get_secret_value(), timeout=1.0)
    await connection.start()
    yield connection
    await connection.stop()


@dataclass
class Process:
    """What one gateway process would hold."""

    app: FastAPI
    auth: Auth

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


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(
    auth_settings: Settings, postgres: Postgres, keyvalue: KeyValue, clock: MovableClock
) -> AsyncIterator[Start]:
    """Starts processes that share PostgreSQL and Valkey, with changed settings where a test names them."""
    async with AsyncExitStack() as stack:

        async def begin(**changes: Any) -> Process:
            changed = auth_settings.model_copy(update=changes)
            return await stack.enter_async_context(running(changed, postgres, keyvalue, clock))

        yield begin


@pytest.fixture
async def process(start: Start) -> Process:
    return await start()


@asynccontextmanager
async def running(
    settings: Settings, postgres: Postgres, keyvalue: KeyValue, clock: MovableClock
) -> AsyncIterator[Process]:
    auth = Auth(settings, postgres, keyvalue, clock, hasher=Argon2Hasher(memory_kib=1024, passes=1))
    await auth.start()
    try:
        yield Process(application(auth), auth)
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
            await ended.wait()
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


MakePerson = Callable[..., Awaitable[Person]]


@pytest.fixture
def person() -> MakePerson:
    """Registers and signs in a new person at a process."""

    async def make(process: Process, **client: Any) -> Person:
        email = f"{secrets.token_hex(6)}@example.com"
        async with process.client(**client) as http:
            body = {"email": email, "password": PASSWORD, "name": "Kim Park"}
            registered = await http.post("/api/auth/register", json=body)
            assert registered.status_code == 202, registered.text
            answer = await http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
        said = answer.json()
        return Person(
            email, PASSWORD, "Kim Park", said["user"]["id"], said["access_token"], said["refresh_token"]
        )

    return make
