"""Answers as they come over the network: when the first token was there, and how many bytes it all was."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from benchmarks.calls import call
from benchmarks.errors import BenchmarkFailed
from benchmarks.scenarios import MODEL

ANSWER_SECONDS: Final = 60.0
_END: Final = b"0\r\n\r\n"
_FIRST_OF_TURN: Final = re.compile(rb"event: delta\n")
_FIRST_OF_RELAY: Final = re.compile(rb'"content":\s?"[^"]')


@dataclass(frozen=True, slots=True)
class Answer:
    """A streamed answer: milliseconds to its first token, and all bytes of it, headers and framing too."""

    first_ms: float
    received: int


class Caller:
    """One person who asks one question after the other, over connections that are kept."""

    def __init__(self, port: int, bearer: Mapping[str, str], key: str) -> None:
        self._port = port
        self._bearer = dict(bearer)
        self._key = key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def conversation(self) -> str:
        """A new one's id."""
        return str((await self._call("/api/conversations", {}))["id"])

    async def begin(self, conversation: str, content: str) -> str:
        """Ask without following; the turn's id."""
        path = f"/api/conversations/{conversation}/turns"
        return str((await self._call(path, {"content": content, "model": MODEL}))["turn_id"])

    async def turn(self, conversation: str, content: str) -> Answer:
        """Ask in a conversation, and follow to the end."""
        body = {"content": content, "model": MODEL, "temperature": 0}
        path = f"/api/conversations/{conversation}/turns"
        return await self._stream(path, body, self._bearer["authorization"], _FIRST_OF_TURN)

    async def relay(self, messages: Sequence[Mapping[str, str]]) -> Answer:
        """Ask the same over `/v1`, with all that was said before."""
        body = {"model": MODEL, "messages": list(messages), "stream": True, "temperature": 0}
        return await self._stream("/v1/chat/completions", body, f"Bearer {self._key}", _FIRST_OF_RELAY)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _call(self, path: str, body: object) -> dict[str, Any]:
        status, answer = await asyncio.to_thread(call, self._port, "POST", path, body, self._bearer)
        if status != 201:
            raise BenchmarkFailed(f"{path} answered {status}: {answer[:300].decode(errors='replace')}")
        made: dict[str, Any] = orjson.loads(answer)
        return made

    async def _stream(self, path: str, body: object, authorization: str, first: re.Pattern[bytes]) -> Answer:
        reader, writer = await self._connection()
        content = orjson.dumps(body)
        writer.write(
            (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: {authorization}\r\n"
                f"Accept: text/event-stream\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\n\r\n"
            ).encode()
            + content
        )
        sent = time.perf_counter()
        first_ms = 0.0
        received = bytearray()
        async with asyncio.timeout(ANSWER_SECONDS):
            while not received.endswith(_END):
                data = await reader.read(65_536)
                if not data:
                    raise BenchmarkFailed(f"{path} ended early: {bytes(received[-300:])!r}")
                received += data
                if not first_ms and first.search(received):
                    first_ms = (time.perf_counter() - sent) * 1000
        if not received.startswith(b"HTTP/1.1 200") or not first_ms:
            raise BenchmarkFailed(f"{path} was not answered: {bytes(received[:300])!r}")
        return Answer(first_ms, len(received))

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams


async def bytes_over_socket(port: int, bearer: Mapping[str, str], begin: Callable[[], Awaitable[str]]) -> int:
    """All bytes of the frames that come for a turn which `begin` starts, followed over the WebSocket."""
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=bearer) as client,
        client.ws_connect("/api/events") as socket,
        asyncio.timeout(ANSWER_SECONDS),
    ):
        await socket.send_json({"type": "follow", "as": 1, "turn_id": await begin(), "after": 0})
        received = 0
        while True:
            text = await socket.receive_str()
            frame = orjson.loads(text)
            if frame.get("as") == 1:
                received += framed(len(text.encode()))
                if str(frame.get("event", "")).startswith(("turn.completed", "turn.failed", "turn.stopped")):
                    return received


def framed(length: int) -> int:
    """The bytes of a WebSocket frame from a server with a payload of `length` bytes (RFC 6455, 5.2)."""
    return length + (2 if length < 126 else 4 if length < 65_536 else 10)
