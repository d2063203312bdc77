"""An engine inside the process, for tests that need no network: it answers what it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from multidict import CIMultiDict

from core.errors import EngineFailed, HeadraceError, ModelNotReady, NoReplica
from gateway.inference.claim import NO_CLAIM, Claim
from gateway.inference.protocol import Passes, Target, nobody_there


@dataclass
class FakeEngineResponse:
    """A prepared answer; `closed_early` says that somebody let go before its end."""

    status: int
    parts: Sequence[bytes | HeadraceError]
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    finished: bool = False
    closed_early: bool = False

    def __post_init__(self) -> None:
        # Lookups ignore case, as those of a real answer do.
        self.headers = CIMultiDict(self.headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            if self.pause:
                await asyncio.sleep(self.pause)
            if isinstance(part, HeadraceError):
                raise part
            yield part
        self.finished = True

    async def pump(self, passes: Passes) -> None:
        async for piece in self.chunks():
            if (waits := passes(piece)) is not None:
                await waits

    async def read(self, limit: int) -> bytes:
        body = b""
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise EngineFailed("The model's answer is larger than this server passes on.")
        return body

    async def close(self) -> None:
        self.closed_early = self.closed_early or not self.finished


def chat_stream(
    words: Sequence[str],
    *,
    prompt_tokens: int = 5,
    completion_tokens: int | None = None,
    finish: str = "stop",
) -> list[bytes]:
    """The frames a chat engine streams for these words, one token each unless told otherwise, with usage."""
    made = len(words) if completion_tokens is None else completion_tokens

    def frame(choices: list[dict[str, object]], **more: object) -> bytes:
        body = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 0, "model": "fake"}
        return b"data: " + orjson.dumps({**body, "choices": choices, **more}) + b"\n\n"

    def choice(delta: dict[str, str], reason: str | None = None) -> list[dict[str, object]]:
        return [{"index": 0, "delta": delta, "finish_reason": reason}]

    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": made,
        "total_tokens": prompt_tokens + made,
    }
    return [
        frame(choice({"role": "assistant", "content": ""})),
        *(frame(choice({"content": word})) for word in words),
        frame(choice({}, finish)),
        frame([], usage=usage),
        b"data: [DONE]\n\n",
    ]


Responder = Callable[[Target, str, bytes], FakeEngineResponse]


class FakeInference:
    """Answers with whatever `respond` returns, and remembers what it was asked."""

    def __init__(self, respond: Responder) -> None:
        self._respond = respond
        self.asked: list[tuple[Target, str, bytes]] = []
        self.claims: list[Claim] = []
        self._stopped = False

    async def start(self) -> None:
        self.asked.clear()
        self.claims.clear()
        self._stopped = False

    async def stop(self) -> None:
        self._stopped = True

    async def send(
        self,
        target: Target,
        route: str,
        body: bytes,
        *,
        request_id: str,
        traceparent: str,
        claim: Claim = NO_CLAIM,
    ) -> FakeEngineResponse:
        if self._stopped:
            raise ModelNotReady()
        self.asked.append((target, route, body))
        self.claims.append(claim)
        response = self._respond(target, route, body)
        if nobody_there(response.status, response.headers):
            raise NoReplica
        return response
