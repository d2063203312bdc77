"""An application that holds only auth, on the real PostgreSQL and Valkey of the test run."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from core.keyvalue import KeyValue
from core.postgres import Postgres
from core.settings import Settings
from tests.auth.process import (
    PASSWORD,
    PUBLIC_URL,
    Mailbox,
    MakePerson,
    MovableClock,
    Person,
    Process,
    Start,
    running,
)


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


@pytest.fixture
async def start(
    auth_settings: Settings, postgres: Postgres, keyvalue: KeyValue, clock: MovableClock
) -> AsyncIterator[Start]:
    """Starts processes that share PostgreSQL and Valkey, with changed settings where a test names them."""
    mailbox = Mailbox()
    async with AsyncExitStack() as stack:

        async def begin(**changes: Any) -> Process:
            changed = auth_settings.model_copy(update=changes)
            return await stack.enter_async_context(running(changed, postgres, keyvalue, clock, mailbox))

        yield begin


@pytest.fixture
async def process(start: Start) -> Process:
    return await start()


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
