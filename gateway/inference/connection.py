"""One HTTP/1.1 connection to the serving address, made for answers that come in many small pieces.

A general client handles every HTTP chunk by itself: awaits, wakes up, counts. Here whatever one read of the
socket brought is one piece, and the parser appends the chunks to a list without any Python between.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, cast

import httptools

from core.errors import EngineLost, EngineTimeout, HeadraceError
from gateway.inference.protocol import Passes

# So much of an answer waits for its reader; beyond it the socket is not read.
MOST_WAITING_BYTES: Final = 256 * 1024
MOST_HEADER_BYTES: Final = 64 * 1024


class Headers(Mapping[str, str]):
    """Header fields; lookups ignore case. Of several with one name the last counts."""

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def put(self, name: bytes, value: bytes) -> None:
        self._fields[name.decode("latin-1").lower()] = value.decode("latin-1")

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class EngineConnection(asyncio.Protocol):
    """One request at a time, and its answer as it comes.

    Args:
        first_byte_timeout, idle_timeout: seconds without a byte before and after the answer's head.
        on_lost: called once, when the connection is gone.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        first_byte_timeout: float,
        idle_timeout: float,
        on_lost: Callable[["EngineConnection"], None],
    ) -> None:
        self._loop = loop
        self._first_byte_timeout = first_byte_timeout
        self._idle_timeout = idle_timeout
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._silent_at = 0.0
        self._parts: list[bytes] = []
        # The parser calls this for every chunk.
        self.on_body = self._parts.append
        self._error: HeadraceError | None = None
        # Whoever passes pieces on where they arrive; what it wants to wait for, and what it has raised.
        self._passes: Passes | None = None
        self._waits: Awaitable[None] | None = None
        self._raised: BaseException | None = None
        self._paused = False
        self._keep_alive = False
        self._waiting_bytes = 0
        self._header_bytes = 0
        self.headers = Headers()
        self.status = 0
        self.complete = False
        self.heard = False
        self.used = 0
        self.idle_since = 0.0

    @property
    def open(self) -> bool:
        """Whether it can carry another request."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether its answer is whole, and another may follow on it."""
        return self.open and self.complete and self._keep_alive and not self._parts

    @property
    def _pushing(self) -> bool:
        return self._passes is not None

    def send(self, request: bytes, body: bytes) -> None:
        """Begin a request: its head, and its body. Raises core.errors.EngineLost."""
        if self._transport is None:
            raise EngineLost()
        self.headers, self.status, self.complete, self.heard = Headers(), 0, False, False
        self._error, self._keep_alive = None, False
        self._header_bytes = self._waiting_bytes = 0
        self._parser = httptools.HttpResponseParser(self)
        self.used += 1
        self._silent_at = self._loop.time() + self._first_byte_timeout
        self._watch()
        self._transport.write(request + body if len(body) < 16_384 else request)
        if len(body) >= 16_384:
            self._transport.write(body)

    async def head(self) -> None:
        """Returns when status and headers are there. Raises core.errors.EngineLost, EngineTimeout."""
        while self.status == 0:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def piece(self) -> bytes:
        """What came since the last call; empty at the end. Raises core.errors.EngineLost, EngineTimeout."""
        parts = self._parts
        while not parts:
            if self._error is not None:
                raise self._error
            if self.complete:
                return b""
            await self._wait()
        piece = self._take()
        if self._paused and self._transport is not None:
            self._paused = False
            self._silent_at = self._loop.time() + self._idle_timeout
            self._transport.resume_reading()
        return piece

    async def pump(self, passes: Passes) -> None:
        """See gateway.inference.protocol.EngineResponse. Raises core.errors.EngineLost, EngineTimeout, and
        what `passes` raises."""
        # What came before, or while somebody waited, is taken from here; the rest where it arrives.
        while piece := await self.piece():
            waits = passes(piece)
            if waits is None:
                waits = await self._until_it_waits(passes)
            if waits is not None:
                await waits

    async def _until_it_waits(self, passes: Passes) -> Awaitable[None] | None:
        """What `passes` wants to wait for; None at the end of the answer."""
        self._passes = passes
        try:
            while self._pushing and self._error is None and not self.complete:
                await self._wait()
        finally:
            self._passes = None
            waits, self._waits = self._waits, None
            raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        return waits

    def _pass_on(self, passes: Passes) -> None:
        try:
            self._waits = passes(self._take())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
            self._raised = error
        if self._waits is not None or self._raised is not None:
            self._passes = None

    def _take(self) -> bytes:
        parts = self._parts
        piece = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._waiting_bytes = 0
        return piece

    def close(self) -> None:
        """End the connection, which is what tells an engine to stop."""
        self._stop_watching()
        if self._transport is not None:
            self._transport.abort()

    def rest(self) -> None:
        """It waits for its next request."""
        self._stop_watching()
        self.idle_since = self._loop.time()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop's own class is no subclass, but it has all the methods.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self.complete:
            # Nobody asked for it.
            self.close()
            return
        self.heard = True
        self._silent_at = self._loop.time() + self._idle_timeout
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                self._fail(EngineLost(f"The engine's answer is not HTTP: {error}"))
            self._wake()
            self.close()
            return
        self._waiting_bytes += len(data)
        if self._waiting_bytes > MOST_WAITING_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        if self._passes is not None and self._parts:
            self._pass_on(self._passes)
            if self._pushing and not self.complete:
                # It was passed on; nobody has to be woken for it.
                return
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._stop_watching()
        if not self.complete and self._parser is not None:
            if exc is None and self.status and self._ends_with_connection():
                self.complete = True
            elif self._error is None:
                self._error = EngineLost()
        self._wake()
        self._on_lost(self)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("a second answer to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MOST_HEADER_BYTES:
            raise ValueError("the head of the answer has no end")
        self.headers.put(name, value)

    def on_headers_complete(self) -> None:
        status: int = self._parser.get_status_code()
        if status >= 200:
            self.status = status

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True
            # Only now: the parser forgets the head with the end of the message.
            self._keep_alive = bool(self._parser.should_keep_alive())
            self._stop_watching()
        else:
            # An interim answer: the real one follows.
            self.headers = Headers()

    def _ends_with_connection(self) -> bool:
        return "content-length" not in self.headers and "transfer-encoding" not in self.headers

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: HeadraceError) -> None:
        self._error = self._error or error
        self._wake()

    def _watch(self) -> None:
        """One timer an answer, however many pieces it has: it looks when it would be due, and goes on."""
        self._timer = self._loop.call_at(self._silent_at, self._look)

    def _look(self) -> None:
        if self._paused:
            # It is our reader who is slow.
            self._silent_at = self._loop.time() + self._idle_timeout
        if self._loop.time() < self._silent_at:
            self._watch()
            return
        self._timer = None
        self._fail(EngineTimeout(retry_after=2))
        self.close()

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
