"""A gateway on a real listener, with real Postgres and Valkey, and an engine that says what it is told."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest
import uvicorn

from core.settings import Settings
from gateway.app import create_app
from gateway.house import House
from gateway.inference import Target
from gateway.inference.fake import FakeEngineResponse, FakeInference, chat_stream
from gateway.routing.fake import FakeControl

MODEL = "simulated"
PASSWORD = "an otter writes four letters"


@dataclass
class Engine:
    """What the fake engine does next; `answers` may be replaced by a test and is put back after it."""

    inference: FakeInference
    answers: list[Callable[[Target, str, bytes], FakeEngineResponse]] = field(default_factory=list)

    def say(self, *words: str, pause: float = 0.0) -> None:
        """The next request gets these words, one a chunk."""
        self.answers.append(lambda *_: FakeEngineResponse(200, chat_stream(words), {}, pause))


@dataclass
class Gateway:
    """A running gateway."""

    url: str
    house: House
    engine: Engine
    control: FakeControl

    async def person(self) -> "Person":
        """A new account, signed in by bearer token."""
        email = f"{secrets.token_hex(8)}@example.org"
        session = aiohttp.ClientSession(self.url, timeout=aiohttp.ClientTimeout(total=30))
        registration = {"email": email, "password": PASSWORD, "name": "Ada"}
        async with session.post("/api/auth/register", json=registration) as response:
            assert response.status == 202, await response.text()
        async with session.post(
            "/api/auth/login", json={"email": email, "password": PASSWORD}
        ) as response:
            assert response.status == 200, await response.text()
            tokens = await response.json()
        session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return Person(session, tokens["user"]["id"])


@dataclass
class Person:
    """A signed-in client."""

    http: aiohttp.ClientSession
    id: str

    async def conversation(self) -> str:
        """A new conversation's id."""
        async with self.http.post("/api/conversations", json={}) as response:
            assert response.status == 201, await response.text()
            return str((await response.json())["id"])

    async def ask(self, conversation_id: str, content: str) -> list[tuple[int, str, dict]]:
        """Ask and follow to the end: (number, kind, data) of every event."""
        async with self.http.post(
            f"/api/conversations/{conversation_id}/turns",
            json={"content": content, "model": MODEL},
            headers={"Accept": "text/event-stream"},
        ) as response:
            assert response.status == 200, await response.text()
            return events_of(await response.read())

    async def messages(self, conversation_id: str) -> list[dict]:
        """The visible messages."""
        async with self.http.get(f"/api/conversations/{conversation_id}/messages") as response:
            assert response.status == 200
            return list((await response.json())["items"])


def events_of(body: bytes) -> list[tuple[int, str, dict]]:
    """(number, kind, data) of every event in a stream."""
    found = []
    for frame in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.splitlines() if not line.startswith(":"))
        if lines:
            found.append((int(lines["id"]), lines["event"], orjson.loads(lines["data"])))
    return found


@pytest.fixture(scope="session")
async def running_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    engine_answers: list[Callable[[Target, str, bytes], FakeEngineResponse]] = []

    def respond(target: Target, route: str, body: bytes) -> FakeEngineResponse:
        if route == "/tokenize":
            asked = orjson.loads(body)
            text = " ".join(message["content"] for message in asked.get("messages", []))
            return FakeEngineResponse(200, [orjson.dumps({"count": len((text or asked["prompt"]).split())})])
        if engine_answers:
            return engine_answers.pop(0)(target, route, body)
        return FakeEngineResponse(200, chat_stream(["Hello", " there"]))

    mine = settings.model_copy(
        update={
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "models": (MODEL,),
            "logins_per_minute": 100_000,
            "registrations_per_hour": 100_000,
            "requests_per_minute": 100_000,
        }
    )
    inference = FakeInference(respond)
    control = FakeControl()
    house = House(mine, inference=inference, control=control)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(house), host="127.0.0.1", port=port, log_config=None, ws="websockets-sansio"
        )
    )
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:
                assert not task.done(), task.exception()
                await asyncio.sleep(0.02)
            while house.routes.routes()[0].target is None:
                await asyncio.sleep(0.05)
        yield Gateway(mine.public_url, house, Engine(inference, engine_answers), control)
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 30)


@pytest.fixture
async def gateway(running_gateway: Gateway) -> AsyncIterator[Gateway]:
    """The gateway of the whole run, its engine and control as at the beginning."""
    running_gateway.engine.answers.clear()
    yield running_gateway
    running_gateway.engine.answers.clear()
    running_gateway.control.away = False
    running_gateway.control.state = "ready"


@pytest.fixture
async def person(gateway: Gateway) -> AsyncIterator[Person]:
    someone = await gateway.person()
    yield someone
    await someone.http.close()
