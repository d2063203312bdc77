"""A caller who leaves frees the engine, also one that listens for that itself as vLLM does."""

import asyncio

import pytest

from serve.disconnect import HearsDisconnect
from serve.guard import Receive, Scope, Send
from tests.serve.asgi import call


class LikeVllm:
    """Waits for its work and for the disconnect side by side; cancelled there, it would leave the work."""

    def __init__(self) -> None:
        self.working = False
        self.started = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        work = asyncio.create_task(self._work())
        gone = asyncio.create_task(self._hear(receive))
        done, pending = await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if work in done:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})

    async def _work(self) -> None:
        self.working = True
        self.started.set()
        try:
            await asyncio.sleep(5)
        finally:
            self.working = False

    async def _hear(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


class LikeServe:
    """Cancels the request's task as soon as the caller leaves, as Serve's replica does."""

    def __init__(self, app: HearsDisconnect | LikeVllm, leave: asyncio.Event) -> None:
        self._app, self._leave = app, leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.ensure_future(self._app(scope, receive, send))
        await self._leave.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _leave_in_the_middle(engine: LikeVllm, app: HearsDisconnect | LikeVllm) -> None:
    leave = asyncio.Event()
    request = asyncio.create_task(call(LikeServe(app, leave), "POST", "/", {}, leave=leave))
    await asyncio.wait_for(engine.started.wait(), 5)
    leave.set()
    await request


async def test_work_for_a_caller_who_left_is_ended() -> None:
    engine = LikeVllm()
    await _leave_in_the_middle(engine, HearsDisconnect(engine))
    assert not engine.working


async def test_without_the_wrapper_the_work_would_go_on() -> None:
    engine = LikeVllm()
    await _leave_in_the_middle(engine, engine)
    assert engine.working


async def test_an_engine_that_does_not_listen_is_cancelled() -> None:
    ended = asyncio.Event()

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = asyncio.create_task(call(HearsDisconnect(deaf, grace_s=0.05), "POST", "/", {}))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_who_stays_gets_the_answer_and_the_errors() -> None:
    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    assert (await call(HearsDisconnect(answers), "GET", "/")).body == b"done"
    with pytest.raises(ZeroDivisionError):
        await call(HearsDisconnect(breaks), "GET", "/")
