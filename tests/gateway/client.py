"""A gateway on a real listener with an engine that says what it is told, and people who use it."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import uvicorn

from auth.accounts.hashing import Argon2Hasher
from core.errors import HeadraceError
from core.settings import Settings
from gateway.app import create_app
from gateway.draining import DrainingServer
from gateway.house import House
from gateway.inference import Inference, Target
from gateway.inference.fake import FakeEngineResponse, FakeInference, chat_stream
from gateway.inference.protocol import REPLICA_HEADER
from gateway.routing.control import Control
from gateway.routing.fake import FakeControl

MODEL = "simulated"
PASSWORD = "an otter writes four letters"

Event = tuple[int, str, dict[str, Any]]
Answer = Callable[[Target, str, bytes], FakeEngineResponse]

# One, as gateways that share a database share the serving side: whichever of them leads finds the same there.
SERVING = FakeControl()


@dataclass
class Engine:
    """What the fake engine does next. Answers that were not used are forgotten after the test.

    Attributes:
        tokens: how many tokens a text has.
        consistent: whether an answer's usage says what `tokens` says, else always the same for the prompt.
    """

    answers: list[Answer] = field(default_factory=list)
    responses: list[FakeEngineResponse] = field(default_factory=list)
    tokens: Callable[[str], int] = field(default=lambda text: len(text.split()))
    consistent: bool = False

    def __post_init__(self) -> None:
        self.inference = FakeInference(self._respond)

    def say(self, *words: str, pause: float = 0.0, finish: str = "stop") -> None:
        """The next request gets these words, one a chunk."""
        self.answers.append(
            lambda _, __, body: FakeEngineResponse(200, self._frames(body, words, finish), {}, pause)
        )

    def stream(self, *parts: bytes | HeadraceError, pause: float = 0.0) -> None:
        """The next request gets exactly these bytes, or breaks with this error."""
        self.answers.append(lambda *_: FakeEngineResponse(200, parts, {}, pause))

    def refuse(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """The next request is answered with an error status, by a replica."""
        told = {REPLICA_HEADER: "replica", **(headers or {})}
        self.answers.append(lambda *_: FakeEngineResponse(status, [body], told))

    def nobody(self) -> None:
        """The next request finds no replica."""
        self.answers.append(lambda *_: FakeEngineResponse(503, [b"<html>"], {}))

    def asked(self, route: str = "/v1/chat/completions") -> list[dict[str, Any]]:
        """The bodies of the requests to one route since the test began."""
        return [orjson.loads(body) for _, path, body in self.inference.asked if path == route]

    def reset(self) -> None:
        self.answers.clear()
        self.responses.clear()
        self.inference.asked.clear()
        self.inference.claims.clear()
        self.tokens = lambda text: len(text.split())
        self.consistent = False

    def _frames(self, body: bytes, words: Sequence[str], finish: str = "stop") -> list[bytes]:
        if not self.consistent:
            return chat_stream(words, finish=finish)
        prompt = self.tokens(_text(orjson.loads(body)))
        return chat_stream(
            words, prompt_tokens=prompt, completion_tokens=sum(map(self.tokens, words)), finish=finish
        )

    def _respond(self, target: Target, route: str, body: bytes) -> FakeEngineResponse:
        if route == "/tokenize":
            count = self.tokens(_text(orjson.loads(body)))
            return FakeEngineResponse(200, [orjson.dumps({"count": count})])
        if self.answers:
            response = self.answers.pop(0)(target, route, body)
        else:
            response = FakeEngineResponse(200, self._frames(body, ["Hello", " there"]))
        self.responses.append(response)
        return response


def _text(asked: dict[str, Any]) -> str:
    """What an engine has to read."""
    return " ".join(str(message["content"]) for message in asked.get("messages", [])) or str(asked["prompt"])


@dataclass
class Gateway:
    """A running gateway."""

    url: str
    house: House
    engine: Engine
    control: FakeControl
    server: DrainingServer

    async def person(self) -> "Person":
        """A new account, signed in by bearer token."""
        email = f"{secrets.token_hex(8)}@example.org"
        session = aiohttp.ClientSession(self.url, timeout=aiohttp.ClientTimeout(total=30))
        registration = {"email": email, "password": PASSWORD, "name": "Ada"}
        async with session.post("/api/auth/register", json=registration) as response:
            assert response.status == 202, await response.text()
        async with session.post("/api/auth/login", json={"email": email, "password": PASSWORD}) as response:
            assert response.status == 200, await response.text()
            tokens = await response.json()
        session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return Person(session, tokens["user"]["id"])


@dataclass
class Person:
    """A signed-in client."""

    http: aiohttp.ClientSession
    id: str

    @property
    def token(self) -> str:
        return self.http.headers["Authorization"].removeprefix("Bearer ")

    def at(self, gateway: Gateway) -> "Person":
        """The same person at another gateway process."""
        session = aiohttp.ClientSession(
            gateway.url, headers=self.http.headers, timeout=aiohttp.ClientTimeout(total=30)
        )
        return Person(session, self.id)

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status and JSON body (None when there is none)."""
        async with self.http.request(method, path, **more) as response:
            body = await response.read()
            return response.status, orjson.loads(body) if body else None

    async def key(self) -> str:
        """A new API key."""
        status, made = await self.call("POST", "/api/keys", json={"name": "tests"})
        assert status == 201, made
        return str(made["key"])

    async def conversation(self, **fields: Any) -> str:
        """A new conversation's id."""
        status, made = await self.call("POST", "/api/conversations", json=fields)
        assert status == 201, made
        return str(made["id"])

    async def ask(self, conversation_id: str, content: str, **fields: Any) -> list[Event]:
        """Ask and follow to the end: (number, kind, data) of every event."""
        async with self.http.post(
            f"/api/conversations/{conversation_id}/turns",
            json={"content": content, "model": MODEL, **fields},
            headers={"Accept": "text/event-stream"},
        ) as response:
            assert response.status == 200, await response.text()
            return events_of(await response.read())

    async def begin(self, conversation_id: str, content: str = "Hi", **fields: Any) -> str:
        """Ask without following; the turn's id."""
        status, begun = await self.call(
            "POST",
            f"/api/conversations/{conversation_id}/turns",
            json={"content": content, "model": MODEL, **fields},
        )
        assert status == 201, begun
        return str(begun["turn_id"])

    async def follow(self, turn_id: str, after: int | None = None) -> bytes:
        """Everything a follower is sent, from the number `after` on, to the end."""
        query = "" if after is None else f"?after={after}"
        async with self.http.get(f"/api/turns/{turn_id}/events{query}") as response:
            assert response.status == 200, await response.text()
            return await response.read()

    async def begun_to_write(self, turn_id: str) -> None:
        """Returns when the first words are there."""
        async with self.http.get(f"/api/turns/{turn_id}/events?after=1") as response:
            assert (await response.content.readline()).startswith(b"id: 2")

    async def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """The visible messages."""
        status, page = await self.call("GET", f"/api/conversations/{conversation_id}/messages")
        assert status == 200
        return list(page["items"])

    async def close(self) -> None:
        await self.http.close()


def events_of(body: bytes) -> list[Event]:
    """(number, kind, data) of every event in a stream; a status has no number and is not one of them."""
    found = []
    for frame in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.split("\n") if line and not line.startswith(":"))
        if "id" in lines:
            found.append((int(lines["id"]), lines["event"], orjson.loads(lines["data"])))
    return found


def text_of(events: list[Event]) -> str:
    """What the model wrote."""
    return "".join(data["text"] for _, kind, data in events if kind == "delta")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def listening(
    settings: Settings,
    *,
    engine: Engine | None = None,
    inference: Inference | None = None,
    control: Control | None = None,
    **changes: Any,
) -> AsyncIterator[Gateway]:
    """A gateway process of its own, in this one; limits so high that nothing meets them unasked."""
    port = free_port()
    mine = settings.model_copy(
        update={
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "models": (MODEL,),
            "static_dir": settings.var_dir / "no-page",
            "logins_per_minute": 100_000,
            "registrations_per_hour": 100_000,
            "requests_per_minute": 100_000,
            "drain_grace": 0,
            "drain_timeout": 1,
            **changes,
        }
    )
    engine = engine or Engine()
    house = House(
        mine,
        inference=inference or engine.inference,
        control=control or SERVING,
        # Cheap, because these tests make many people.
        hasher=Argon2Hasher(memory_kib=1024, passes=1),
    )
    # Other tests wait for mails that are ordered in the same database, with a postman of their own.
    house.auth._postman.run = asyncio.Event().wait
    app = create_app(house)
    server = DrainingServer(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_config=None,
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        ),
        house,
        app,
        grace=mine.drain_grace,
        patience=mine.drain_timeout + 1,
        shared=False,
    )
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:
                assert not task.done(), task.exception()
                await asyncio.sleep(0.02)
        yield Gateway(f"http://127.0.0.1:{port}", house, engine, SERVING, server)
    finally:
        server.drain()
        await asyncio.wait_for(task, 30)


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Returns when `condition` holds; fails loudly when it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition belongs to somebody else
            await asyncio.sleep(0.02)
