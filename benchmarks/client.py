"""The load generator: a process of its own, so that its work is not counted as anybody else's.

`python -m benchmarks.client` reads one job a line (JSON) from its standard input. For each it opens the
connections, warms each up with one request, and writes a line `{"ready": true}`; after any line of input it
measures and writes the result as one line.
"""

import asyncio
import base64
import re
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final, cast

import httptools
import orjson
import uvloop

from benchmarks.intervals import percentile

CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0
KEPT_ERRORS: Final = 3
_FRAME_END: Final = b"\n\n"
_COMPLETION_TOKENS: Final = re.compile(rb'"completion_tokens":\s*(\d+)')


@dataclass
class Job:
    """One block of requests.

    Attributes:
        request: the whole request, head and body.
        warm: a request that each connection sends once before; any answer with status 200 is right.
        tokens: completion tokens that every answer must report in its usage.
        length: bytes that every answer must have, or None where they may differ.
        seconds: no request begins later than this.
        keep: return the last body.
    """

    port: int
    request: bytes
    warm: bytes
    connections: int
    stream: bool
    tokens: int
    length: int | None
    seconds: float
    keep: bool = False


@dataclass
class Outcome:
    """What came back; times in milliseconds."""

    latencies: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    tokens: int = 0
    reads: int = 0
    errors: int = 0
    said: list[str] = field(default_factory=list)
    body: bytes = b""

    def fail(self, what: str) -> None:
        """Count a request that was not answered as it must be."""
        self.errors += 1
        if len(self.said) < KEPT_ERRORS:
            self.said.append(what)


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends the same request again and again."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._transport: asyncio.Transport | None = None
        self._outcome = Outcome()
        self._request = job.warm
        self._checked = False
        self._until = 0.0
        self._done: asyncio.Future[None] | None = None
        self._sent = self._last = 0.0
        self._parts: list[bytes] = []
        self._parser: Any = None
        self._answered = False

    async def warm_up(self, outcome: Outcome) -> None:
        """Send one request that does not count."""
        await self._run(outcome, 0.0)

    async def run(self, outcome: Outcome) -> None:
        """Send requests for the job's seconds, at least one, and wait for the last answer."""
        self._request, self._checked = self._job.request, True
        await self._run(outcome, self._job.seconds)

    async def _run(self, outcome: Outcome, seconds: float) -> None:
        self._outcome = outcome
        self._until = time.perf_counter() + seconds
        self._done = asyncio.get_running_loop().create_future()
        self._send()
        try:
            async with asyncio.timeout(seconds + ANSWER_SECONDS):
                await self._done
        except TimeoutError:
            outcome.fail(f"no answer within {ANSWER_SECONDS:.0f} s")
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop's own class is no subclass, but it has all the methods.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._done is not None and not self._done.done():
            self._outcome.fail(f"the connection was closed in the middle ({exc!r})")
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        before = len(self._parts)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._outcome.fail(f"not HTTP: {error!r}")
            self.close()
            return
        if len(self._parts) > before:
            self._note(now, before)
        if self._answered:
            self._finish(now)

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._answered = True

    def _note(self, now: float, before: int) -> None:
        """Something of the body came: how long after what came before."""
        outcome = self._outcome
        outcome.reads += 1
        if before == 0:
            outcome.firsts.append((now - self._sent) * 1000)
        elif self._job.stream:
            outcome.gaps.append((now - self._last) * 1000)
            # Tokens that came together with another came 0 ms after it.
            together = sum(part.count(_FRAME_END) for part in self._parts[before:]) - 1
            outcome.gaps.extend([0.0] * together)
        self._last = now

    def _send(self) -> None:
        if self._transport is None:
            self._outcome.fail("the connection was closed")
            if self._done is not None and not self._done.done():
                self._done.set_result(None)
            return
        self._parser = httptools.HttpResponseParser(self)
        self._parts = []
        self._answered = False
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _finish(self, now: float) -> None:
        outcome, body = self._outcome, b"".join(self._parts)
        wrong = self._wrong(body)
        if wrong is None:
            outcome.latencies.append((now - self._sent) * 1000)
            outcome.tokens += self._job.tokens
        else:
            outcome.fail(wrong)
        outcome.body = body
        if now < self._until:
            self._send()
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _wrong(self, body: bytes) -> str | None:
        """What is not as it must be, or None."""
        status, job = self._parser.get_status_code(), self._job
        if status != 200:
            return f"status {status}: {body[:300].decode(errors='replace')}"
        if not self._checked:
            return None
        counts = _COMPLETION_TOKENS.findall(body[-2000:])
        if not counts or int(counts[-1]) != job.tokens:
            return f"{counts} completion tokens instead of {job.tokens}"
        if job.stream and not body.endswith(b"data: [DONE]\n\n"):
            return "the stream does not end with [DONE]"
        if job.length is not None and len(body) != job.length:
            return f"{len(body)} bytes instead of {job.length}"
        return None


async def _open(job: Job) -> list[Connection]:
    loop = asyncio.get_running_loop()
    connections = []
    async with asyncio.timeout(CONNECT_SECONDS):
        for _ in range(job.connections):
            _, connection = await loop.create_connection(lambda: Connection(job), "127.0.0.1", job.port)
            connections.append(connection)
    return connections


async def _warm_up(connections: list[Connection]) -> Outcome:
    outcome = Outcome()
    await asyncio.gather(*(connection.warm_up(outcome) for connection in connections))
    return outcome


async def _measure(connections: list[Connection]) -> tuple[Outcome, float]:
    outcome = Outcome()
    began = time.perf_counter()
    await asyncio.gather(*(connection.run(outcome) for connection in connections))
    return outcome, time.perf_counter() - began


def summary(outcome: Outcome, wall: float, *, keep: bool) -> dict[str, Any]:
    """The result as it is written: counts, seconds, and percentiles in milliseconds (None without values)."""

    def both(values: list[float]) -> dict[str, float] | None:
        ordered = sorted(values)
        return {"p50": percentile(ordered, 0.5), "p99": percentile(ordered, 0.99)} if ordered else None

    result: dict[str, Any] = {
        "requests": len(outcome.latencies),
        "errors": outcome.errors,
        "said": outcome.said,
        "tokens": outcome.tokens,
        "reads": outcome.reads,
        "wall_s": wall,
        "latency_ms": both(outcome.latencies),
        "first_ms": both(outcome.firsts),
        "gap_ms": both(outcome.gaps),
    }
    if keep:
        result["body"] = base64.b64encode(outcome.body).decode()
    return result


async def _serve() -> None:
    loop = asyncio.get_running_loop()

    async def line() -> bytes:
        return await loop.run_in_executor(None, sys.stdin.buffer.readline)

    def say(answer: dict[str, Any]) -> None:
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()

    while text := await line():
        asked = orjson.loads(text)
        job = Job(**{**asked, **{name: base64.b64decode(asked[name]) for name in ("request", "warm")}})
        try:
            connections = await _open(job)
        except (OSError, TimeoutError) as error:
            say({"failed": repr(error)})
            continue
        try:
            warm = await _warm_up(connections)
            if warm.errors:
                say({"failed": "; ".join(warm.said)})
                continue
            say({"ready": True})
            if not await line():
                return
            outcome, wall = await _measure(connections)
            say(summary(outcome, wall, keep=job.keep))
        finally:
            for connection in connections:
                connection.close()


if __name__ == "__main__":
    uvloop.run(_serve())
