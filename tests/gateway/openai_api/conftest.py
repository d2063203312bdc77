"""A person's API key, and raw requests with it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest

from core.postgres import Postgres, Record
from tests.gateway.client import MODEL, Gateway, Person, until


@dataclass
class Answered:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error in OpenAI's shape; nothing else is in the body."""
        whole = orjson.loads(self.body)
        assert set(whole) == {"error"}
        assert set(whole["error"]) == {"message", "type", "param", "code"}
        return dict(whole["error"])


@dataclass
class Api:
    """The OpenAI surface with one person's key."""

    gateway: Gateway
    person: Person
    key: str
    http: aiohttp.ClientSession

    async def send(self, body: object, *, path: str = "/v1/chat/completions", **more: Any) -> Answered:
        """POST JSON (or bytes, as they are)."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.http.post(path, data=data, **more) as response:
            return Answered(response.status, response.headers, await response.read())

    async def chat(self, **fields: Any) -> Answered:
        """A chat completion of one short message."""
        return await self.send(
            {"model": MODEL, "messages": [{"role": "user", "content": "one two three"}], **fields}
        )

    async def booked(self, database: Postgres, count: int = 1) -> list[Record]:
        """What was booked for this person over the API, once there are `count` of it."""
        async with asyncio.timeout(20):
            while True:
                rows = await database.fetch(
                    "SELECT * FROM ledger_entries WHERE user_id = $1 AND kind = 'api' ORDER BY created_at",
                    self.person.id,
                )
                if len(rows) >= count:
                    return list(rows)
                await asyncio.sleep(0.05)


@pytest.fixture
async def api(gateway: Gateway, person: Person) -> AsyncIterator[Api]:
    key = await person.key()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(
        gateway.url, headers=headers, timeout=aiohttp.ClientTimeout(total=30)
    ) as http:
        yield Api(gateway, person, key, http)
    await until(lambda: not gateway.house.background._tasks)
