"""One suite for the way to the engines: over HTTP to a real server, and the fake that stands in for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import pytest
from aiohttp import web

from core.errors import EngineFailed, EngineTimeout, HeadraceError, ModelNotReady, NoReplica
from gateway.inference import Claim, EngineResponse, Inference, Priority, Target
from gateway.inference.fake import FakeEngineResponse, FakeInference
from gateway.inference.http import HttpInference

TARGET = Target("m", "r1", "simulated", "/m/m/r1", 1024, 256)


class Engine(Protocol):
    """An engine that the suite tells what to answer."""

    inference: Inference

    def answers(self, status: int, parts: Sequence[bytes], headers: dict[str, str]) -> None: ...

    def breaks_after(self, parts: Sequence[bytes]) -> None:
        """The body is cut off after these parts."""
        ...

    def goes_on_for_ever(self) -> None: ...

    def falls_silent(self) -> None: ...

    async def was_let_go(self) -> None:
        """Returns when the engine noticed that nobody reads any more."""
        ...


class RealEngine:
    """A server on loopback, asked by HttpInference."""

    def __init__(self) -> None:
        self._handle = self._unasked
        self._gone = asyncio.Event()
        self.asked: list[web.Request] = []
        app = web.Application()
        app.router.add_post("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        self.inference: Inference = HttpInference(
            f"http://127.0.0.1:{port}",
            "internal",
            connect_timeout=1,
            first_byte_timeout=0.6,
            idle_timeout=0.6,
        )
        await self.inference.start()

    async def stop(self) -> None:
        await self.inference.stop()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append(request)
        try:
            return await self._handle(request)
        except (asyncio.CancelledError, ConnectionError):
            self._gone.set()
            raise

    async def _unasked(self, _: web.Request) -> web.StreamResponse:
        raise AssertionError("asked too early")

    def answers(self, status: int, parts: Sequence[bytes], headers: dict[str, str]) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(status=status, headers=headers)
            await response.prepare(request)
            for part in parts:
                await response.write(part)
            await response.write_eof()
            return response

        self._handle = handle

    def breaks_after(self, parts: Sequence[bytes]) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for part in parts:
                await response.write(part)
                await asyncio.sleep(0.05)
            assert request.transport is not None
            request.transport.close()
            return response

        self._handle = handle

    def goes_on_for_ever(self) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.02)

        self._handle = handle

    def falls_silent(self) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        self._handle = handle

    async def was_let_go(self) -> None:
        await asyncio.wait_for(self._gone.wait(), 10)


class InProcessEngine:
    """FakeInference."""

    def __init__(self) -> None:
        self._next: FakeEngineResponse | HeadraceError = EngineFailed()
        self.inference: Inference = FakeInference(self._respond)

    async def start(self) -> None:
        await self.inference.start()

    async def stop(self) -> None:
        await self.inference.stop()

    def _respond(self, *_: object) -> FakeEngineResponse:
        if isinstance(self._next, HeadraceError):
            raise self._next
        return self._next

    def answers(self, status: int, parts: Sequence[bytes], headers: dict[str, str]) -> None:
        self._next = FakeEngineResponse(status, parts, headers)

    def breaks_after(self, parts: Sequence[bytes]) -> None:
        self._next = FakeEngineResponse(200, [*parts, EngineFailed()])

    def goes_on_for_ever(self) -> None:
        self._next = FakeEngineResponse(200, [b"x"] * 10_000, {}, 0.02)

    def falls_silent(self) -> None:
        self._next = EngineTimeout()

    async def was_let_go(self) -> None:
        assert isinstance(self._next, FakeEngineResponse)
        assert self._next.closed_early


@pytest.fixture(params=[RealEngine, InProcessEngine])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    made = request.param()
    await made.start()
    yield made
    await made.stop()


async def send(engine: Engine) -> EngineResponse:
    return await engine.inference.send(
        TARGET, "/v1/chat/completions", b'{"a":1}', request_id="req_1", traceparent="00-1-2-01"
    )


async def test_status_headers_and_bytes_come_as_the_engine_gave_them(engine: Engine) -> None:
    parts = [b"data: 1\n\n", b"\x00\xff", b"data: [DONE]\n\n"]
    engine.answers(200, parts, {"X-Headrace-Replica": "r#1", "Content-Type": "text/event-stream"})
    response = await send(engine)
    assert response.status == 200
    # Lookups ignore case, whoever spelled the name.
    assert response.headers["x-headrace-replica"] == "r#1"
    assert response.headers.get("CONTENT-TYPE") == "text/event-stream"
    assert response.headers.get("x-nothing") is None
    assert b"".join([chunk async for chunk in response.chunks()]) == b"".join(parts)
    await response.close()


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_an_error_status_is_an_answer_and_not_an_error(engine: Engine, status: int) -> None:
    engine.answers(status, [b'{"error":', b"{}}"], {"Retry-After": "3", "x-headrace-replica": "r#1"})
    response = await send(engine)
    assert (response.status, response.headers["retry-after"]) == (status, "3")
    assert await response.read(1_000) == b'{"error":{}}'
    await response.close()


@pytest.mark.parametrize("status", [404, 500, 502, 503, 504])
async def test_the_load_balancers_own_refusal_says_that_no_replica_is_there(
    engine: Engine, status: int
) -> None:
    engine.answers(status, [b"<html>"], {})
    with pytest.raises(NoReplica):
        await send(engine)


async def test_a_body_of_just_the_bound_is_read_and_a_longer_one_is_refused(engine: Engine) -> None:
    engine.answers(200, [b"x" * 500, b"x" * 500], {})
    response = await send(engine)
    assert len(await response.read(1_000)) == 1_000
    await response.close()
    engine.answers(200, [b"x" * 500, b"x" * 501], {})
    response = await send(engine)
    with pytest.raises(EngineFailed):
        await response.read(1_000)
    await response.close()


async def test_a_body_that_is_cut_off_is_a_failure_after_what_there_was(engine: Engine) -> None:
    engine.breaks_after([b"one", b"two"])
    response = await send(engine)
    seen = b""
    with pytest.raises(EngineFailed):
        async for chunk in response.chunks():
            seen += chunk
    assert seen == b"onetwo"
    await response.close()


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after a wait"])
async def test_all_pieces_are_pumped_in_their_order(engine: Engine, waits: bool) -> None:
    parts = [b"data: %d\n\n" % number for number in range(50)]
    engine.answers(200, parts, {})
    response = await send(engine)
    seen: list[bytes] = []
    under_way = 0

    async def wait(piece: bytes) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1, "one piece at a time"
        await asyncio.sleep(0.001)
        under_way -= 1
        seen.append(piece)

    await response.pump(wait if waits else seen.append)
    assert b"".join(seen) == b"".join(parts)
    await response.close()


async def test_a_pumped_body_that_is_cut_off_is_a_failure_after_what_there_was(engine: Engine) -> None:
    engine.breaks_after([b"one", b"two"])
    response = await send(engine)
    seen: list[bytes] = []
    with pytest.raises(EngineFailed):
        await response.pump(seen.append)
    assert b"".join(seen) == b"onetwo"
    await response.close()


async def test_what_the_reader_of_a_pumped_body_raises_is_raised_and_nothing_follows(engine: Engine) -> None:
    engine.answers(200, [b"one", b"two", b"three"], {})
    response = await send(engine)
    seen: list[bytes] = []

    def passes(piece: bytes) -> None:
        seen.append(piece)
        raise EngineFailed("That is enough.")

    with pytest.raises(EngineFailed, match="enough"):
        await response.pump(passes)
    assert len(seen) == 1
    await response.close()


async def test_letting_go_early_cancels_the_work(engine: Engine) -> None:
    engine.goes_on_for_ever()
    response = await send(engine)
    async for chunk in response.chunks():
        assert chunk
        break
    await response.close()
    await engine.was_let_go()


async def test_an_engine_that_falls_silent_is_a_timeout(engine: Engine) -> None:
    engine.falls_silent()
    with pytest.raises(EngineTimeout) as silent:
        await asyncio.wait_for(send(engine), 10)
    assert silent.value.retry


async def test_closing_twice_does_no_harm(engine: Engine) -> None:
    engine.answers(200, [b"x"], {})
    response = await send(engine)
    assert await response.read(10) == b"x"
    await response.close()
    await response.close()


async def test_a_stopped_way_leads_nowhere(engine: Engine) -> None:
    engine.answers(200, [b"x"], {})
    await engine.inference.stop()
    with pytest.raises(ModelNotReady):
        await send(engine)


async def test_nobody_listening_is_a_model_that_is_not_ready() -> None:
    inference = HttpInference(
        "http://127.0.0.1:9", "internal", connect_timeout=1, first_byte_timeout=1, idle_timeout=1
    )
    await inference.start()
    with pytest.raises(ModelNotReady) as away:
        await inference.send(TARGET, "/x", b"{}", request_id="r", traceparent="t")
    assert away.value.retry_after
    await inference.stop()


async def test_a_request_carries_what_the_replica_asks_for() -> None:
    engine = RealEngine()
    await engine.start()
    engine.answers(200, [b"{}"], {})
    response = await send(engine)
    await response.close()
    (asked,) = engine.asked
    assert asked.path == "/m/m/r1/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer internal"
    assert asked.headers["content-type"] == "application/json"
    assert (asked.headers["x-request-id"], asked.headers["traceparent"]) == ("req_1", "00-1-2-01")
    assert (asked.headers["x-headrace-priority"], asked.headers["x-headrace-tokens"]) == ("api", "0")
    assert asked.headers["x-headrace-affinity"] == "req_1"
    claim = Claim.of(Priority.JOB, b"x" * 400, 20, "cnv_7")
    response = await engine.inference.send(
        TARGET, "/v1/completions", b"{}", request_id="job_1", traceparent="00-1-2-01", claim=claim
    )
    await response.close()
    headers = engine.asked[-1].headers
    assert (headers["x-headrace-priority"], headers["x-headrace-tokens"]) == ("job", "120")
    assert headers["x-headrace-affinity"] == "cnv_7"
    await engine.stop()


async def test_a_redirect_is_not_followed() -> None:
    engine = RealEngine()
    await engine.start()
    engine.answers(307, [], {"Location": "http://127.0.0.1:9/elsewhere"})
    response = await send(engine)
    assert response.status == 307
    await response.close()
    await engine.stop()
