"""The pieces of a stream on their way from the engine to the client."""

import time
from collections.abc import Awaitable
from typing import Final

from starlette.types import Send

from core.at_once import at_once
from gateway.inference import EngineResponse
from gateway.inference.sse import FrameBuffer
from gateway.metrics import FIRST_TOKEN
from gateway.openai_api.call import Call, start
from gateway.openai_api.usage_tail import UsageTail

_CACHE: Final = (b"cache-control", b"no-cache")


class Passing:
    """Called with each piece where it arrives: whole frames go on, and the first begins the answer."""

    __slots__ = ("_call", "_feed", "_kind", "_model", "_passes", "_send")

    def __init__(self, call: Call, model: str, response: EngineResponse, tail: UsageTail, send: Send) -> None:
        self._call = call
        self._model = model
        self._kind = response.headers.get("content-type", "text/event-stream").encode()
        self._feed = FrameBuffer().feed
        self._passes = tail.passes
        self._send = send

    def __call__(self, piece: bytes) -> Awaitable[None] | None:
        """What the client is not quick enough for has to be awaited. Raises core.errors.EngineFailed."""
        whole = self._feed(piece)
        if not whole:
            return None
        seen = self._passes(whole)
        call = self._call
        if call.kept is not None:
            call.kept.add(whole)
        if not call.started:
            return at_once(self._begin(seen))
        if not seen:
            return None
        return at_once(self._send({"type": "http.response.body", "body": seen, "more_body": True}))

    async def _begin(self, seen: bytes) -> None:
        # Only now: until something is there to be shown, another revision can be asked.
        call = self._call
        await self._send(start(call, [(b"content-type", self._kind), _CACHE]))
        call.started = True
        call.wait = time.perf_counter() - call.begun
        FIRST_TOKEN.labels("api", self._model).observe(call.wait)
        if seen:
            await self._send({"type": "http.response.body", "body": seen, "more_body": True})
