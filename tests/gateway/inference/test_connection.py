"""The connections to engines, against servers that say exactly what they are told to, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from core.at_once import at_once
from core.errors import EngineLost, EngineTimeout, Overloaded
from gateway.inference import Target, connection
from gateway.inference.http import HttpInference
from tests.gateway.client import until

TARGET = Target("m", "r1", "simulated", "/m/m/r1", 1024, 256)
Talk = Callable[["Caller"], Awaitable[None]]


class Caller:
    """One accepted connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request's body. Raises asyncio.IncompleteReadError when the client has left."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        return await self.reader.readexactly(length)

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)


class Server:
    """Talks to its callers one after the other: the first talk to the first, and the last to all others."""

    def __init__(self, *talks: Talk) -> None:
        self.talks = list(talks)
        self.callers = 0
        self.left = asyncio.Event()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = self.talks[min(self.callers, len(self.talks) - 1)]
        self.callers += 1
        try:
            await talk(Caller(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def engine(
    *talks: Talk, idle: float = 0.5, most: int = 8
) -> AsyncIterator[tuple[Server, HttpInference]]:
    server = Server(*talks)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    inference = HttpInference(
        f"http://127.0.0.1:{port}",
        "internal",
        connect_timeout=1,
        first_byte_timeout=0.5,
        idle_timeout=idle,
        connections=most,
    )
    await inference.start()
    try:
        yield server, inference
    finally:
        await inference.stop()
        listener.close()


async def ask(inference: HttpInference, body: bytes = b"{}") -> bytes:
    """A whole answer, its connection given back."""
    response = await inference.send(TARGET, "/v1/x", body, request_id="r", traceparent="t")
    try:
        return await response.read(10_000_000)
    finally:
        await response.close()


async def echo(caller: Caller) -> None:
    """Answer every request with its own body."""
    while True:
        body = await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)


async def test_a_connection_is_used_again_and_a_second_one_only_at_the_same_time() -> None:
    async with engine(echo) as (server, inference):
        for number in range(5):
            assert await ask(inference, b"%d" % number) == b"%d" % number
        assert server.callers == 1
        assert set(await asyncio.gather(ask(inference, b"a"), ask(inference, b"b"))) == {b"a", b"b"}
        assert server.callers == 2


async def test_a_large_body_goes_out_whole() -> None:
    body = b"x" * 3_000_000
    async with engine(echo) as (_, inference):
        assert await ask(inference, body) == body


async def test_a_kept_connection_that_was_closed_meanwhile_costs_nobody_an_answer() -> None:
    async def once(caller: Caller) -> None:
        body = await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)
        # The next request is on its way when it is closed.
        await caller.reader.readexactly(1)

    async with engine(once, echo) as (server, inference):
        assert await ask(inference, b"one") == b"one"
        assert await ask(inference, b"two") == b"two"
        assert server.callers == 2


async def test_a_new_connection_that_is_closed_without_an_answer_is_not_asked_twice() -> None:
    async def hang_up(caller: Caller) -> None:
        await caller.request()

    async with engine(hang_up) as (server, inference):
        with pytest.raises(EngineLost):
            await ask(inference)
        assert server.callers == 1


@pytest.mark.parametrize(
    ("head", "parts", "whole"),
    [
        (b"Transfer-Encoding: chunked\r\n\r\n", [b"3\r\nab", b"c\r\n1\r\nd\r\n0\r", b"\n\r\n"], b"abcd"),
        (b"Content-Length: 4\r\n\r\n", [b"a", b"b", b"cd"], b"abcd"),
        (b"\r\n", [b"ab", b"cd"], b"abcd"),
        (b"Content-Length: 0\r\n\r\n", [], b""),
    ],
    ids=["chunked", "length", "until the end", "empty"],
)
async def test_a_body_ends_where_its_head_says(head: bytes, parts: list[bytes], whole: bytes) -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\n" + head, *parts)

    async with engine(talk) as (_, inference):
        assert await ask(inference) == whole


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * (connection.MOST_HEADER_BYTES + 1) + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["chunk", "length", "head", "not HTTP", "upgrade", "long head", "bad chunk"],
)
async def test_an_answer_that_breaks_off_or_is_none_is_a_lost_engine(said: bytes) -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.say(said)

    async with engine(talk) as (_, inference):
        with pytest.raises(EngineLost):
            await ask(inference)


async def test_an_interim_answer_is_passed_over() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.say(
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok",
        )

    async with engine(talk) as (_, inference):
        response = await inference.send(TARGET, "/v1/x", b"{}", request_id="r", traceparent="t")
        assert (response.status, dict(response.headers)) == (200, {"content-length": "2", "x-a": "b"})
        assert await response.read(10) == b"ok"


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen")
        await caller.reader.readexactly(1)

    async with engine(talk, echo) as (server, inference):
        assert await ask(inference) == b"ok"
        await asyncio.wait_for(server.left.wait(), 5)
        assert await ask(inference, b"mine") == b"mine"


async def test_silence_in_mid_answer_is_a_timeout_after_what_there_was() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        await caller.reader.readexactly(1)

    async with engine(talk, idle=0.2) as (server, inference):
        response = await inference.send(TARGET, "/v1/x", b"{}", request_id="r", traceparent="t")
        pieces = response.chunks()
        assert await anext(pieces) == b"ab"
        with pytest.raises(EngineTimeout):
            await anext(pieces)
        await response.close()
        await asyncio.wait_for(server.left.wait(), 5)


async def test_a_reader_that_is_slow_holds_the_engine_back_and_loses_nothing() -> None:
    total, sent = 40 * 1024 * 1024, 0

    async def talk(caller: Caller) -> None:
        nonlocal sent
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            await caller.say(b"x" * 65_536)
            sent += 65_536

    async with engine(talk, idle=0.3) as (_, inference):
        response = await inference.send(TARGET, "/v1/x", b"{}", request_id="r", traceparent="t")
        # Longer than the time in which an engine may be silent: it is not the engine that is slow.
        await asyncio.sleep(1)
        assert sent < total / 2
        assert len(await response.read(total)) == total
        await response.close()


async def test_pieces_are_passed_on_where_they_arrive_and_a_wait_holds_only_what_comes_after() -> None:
    told = asyncio.Event()

    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        for piece in (b"ab", b"cd", b"ef", b"gh"):
            await told.wait()
            told.clear()
            await caller.say(piece)
        await caller.reader.readexactly(1)

    async with engine(talk) as (_, inference):
        response = await inference.send(TARGET, "/v1/x", b"{}", request_id="r", traceparent="t")
        seen: list[tuple[bytes, bool]] = []
        free = asyncio.Event()

        async def until_free() -> None:
            await free.wait()

        def passes(piece: bytes) -> Awaitable[None] | None:
            # The caller's task is at work only where it takes pieces itself.
            seen.append((piece, asyncio.current_task() is pumping))
            told.set()
            return at_once(until_free()) if piece == b"cd" else None

        pumping = asyncio.create_task(response.pump(passes))
        told.set()
        await until(lambda: len(seen) == 2)
        await asyncio.sleep(0.1)
        assert seen == [(b"ab", True), (b"cd", False)]
        free.set()
        await asyncio.wait_for(pumping, 5)
        assert [piece for piece, _ in seen] == [b"ab", b"cd", b"ef", b"gh"]
        assert [by_task for _, by_task in seen[2:]] == [True, False]
        await response.close()


async def test_silence_while_pieces_are_passed_on_is_a_timeout() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await caller.reader.readexactly(1)

    async with engine(talk, idle=0.2) as (server, inference):
        response = await inference.send(TARGET, "/v1/x", b"{}", request_id="r", traceparent="t")
        seen: list[bytes] = []
        with pytest.raises(EngineTimeout):
            await response.pump(seen.append)
        assert seen == [b"ab"]
        await response.close()
        await asyncio.wait_for(server.left.wait(), 5)


async def test_who_is_cancelled_while_nothing_is_answered_ends_the_connection() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        await caller.reader.readexactly(1)

    async with engine(talk) as (server, inference):
        asking = asyncio.create_task(ask(inference))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(server.left.wait(), 5)


async def test_there_are_no_more_connections_than_allowed() -> None:
    async with engine(echo, most=1) as (_, inference):
        held = await inference.send(TARGET, "/v1/x", b"{}", request_id="r", traceparent="t")
        with pytest.raises(Overloaded) as full:
            await ask(inference)
        assert full.value.retry_after
        await held.read(10)
        await held.close()
        assert await ask(inference, b"now") == b"now"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb"])
async def test_a_line_break_never_becomes_a_header_of_its_own(value: str) -> None:
    async with engine(echo) as (server, inference):
        with pytest.raises(ValueError, match="line break"):
            await inference.send(TARGET, "/v1/x", b"{}", request_id=value, traceparent="t")
        assert server.callers == 0
