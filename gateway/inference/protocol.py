"""What the gateway asks of an engine, whoever it is behind."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.inference.claim import NO_CLAIM, Claim


@dataclass(frozen=True, slots=True)
class Target:
    """One revision of one model, and how long its prompts and answers may be.

    Attributes:
        model: public name; the `model` field of the request body.
        revision: which revision answers.
        engine: what kind answers: `vllm`, `simulated` or `openai`.
        path: prefix of its routes behind the serving address, such as `/m/simulated/r1`.
        context_window: tokens of prompt and answer together.
        max_output_tokens: tokens of one answer, at the most.
        continuation: how an answer that broke off goes on: by `tokens`, by `text`, or not at all (`fail`).
    """

    model: str
    revision: str
    engine: str
    path: str
    context_window: int
    max_output_tokens: int
    continuation: str = "tokens"


# Every replica puts its name here; an answer without one is the load balancer's own, or Ray's own proxy's.
REPLICA_HEADER: Final = "x-headrace-replica"
_NOBODY_THERE: Final = frozenset({404, 500, 502, 503, 504})


def nobody_there(status: int, headers: Mapping[str, str]) -> bool:
    """Whether this is the load balancer saying that no replica took the request."""
    return status in _NOBODY_THERE and REPLICA_HEADER not in headers


# Takes the next piece of a body; what it answers, if anything, is awaited before the one after it.
Passes = Callable[[bytes], Awaitable[None] | None]


class EngineResponse(Protocol):
    """An answer whose status and headers have arrived and whose body is still coming."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Header names in any case; lookups ignore case."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as the network gives them; not aligned to anything.

        Raises: core.errors.EngineFailed when the engine goes away, EngineTimeout when it falls silent.
        """
        ...

    async def pump(self, passes: Passes) -> None:
        """Hand each piece of the body to `passes`, until its end; like `chunks`, for whoever passes them on.

        While `passes` has nothing to wait for it is called where the bytes arrive, outside the caller's task.

        Raises: what `chunks` raises, and what `passes` raises.
        """
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises core.errors.EngineFailed when it is longer than `limit` bytes."""
        ...

    async def close(self) -> None:
        """Let go. Before the end of the body this cancels the work in the engine."""
        ...


class Inference(Protocol):
    """Requests to engines."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(
        self,
        target: Target,
        route: str,
        body: bytes,
        *,
        request_id: str,
        traceparent: str,
        claim: Claim = NO_CLAIM,
    ) -> EngineResponse:
        """POST `body` (JSON) to `route` (such as `/v1/chat/completions`) of `target`.

        Args:
            request_id: what the replica calls it, in its records and in its queue.
            claim: decides who goes first where more is asked than the replica works on at once.

        Raises:
            core.errors.NoReplica: nobody listens there, or the load balancer has no replica for it.
            core.errors.EngineTimeout: no first byte within the deadline.
            core.errors.EngineFailed: the connection broke before the status line.
        """
        ...
