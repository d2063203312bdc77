"""Requests to engines over HTTP, through the load balancer in front of the replicas."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import urlsplit

from core.engine_fields import AFFINITY_HEADER, PRIORITY_HEADER, TOKENS_HEADER
from core.errors import EngineFailed, EngineLost, HeadraceError, ModelNotReady, NoReplica
from core.log import get_logger
from gateway.inference.claim import NO_CLAIM, Claim
from gateway.inference.connection import EngineConnection
from gateway.inference.pool import RETRY_AFTER_SECONDS, ConnectionPool
from gateway.inference.protocol import Passes, Target, nobody_there

log = get_logger(__name__)

# Of a request's head: the request line, nine fields, and the blank line.
HEAD_LINES = 11


class HttpEngineResponse:
    """The answer on one connection."""

    __slots__ = ("_connection", "_pool", "headers", "status")

    def __init__(self, connection: EngineConnection, pool: ConnectionPool) -> None:
        self._connection: EngineConnection | None = connection
        self._pool = pool
        self.status: int = connection.status
        self.headers: Mapping[str, str] = connection.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        connection = self._taken()
        with _told():
            while piece := await connection.piece():
                yield piece

    async def pump(self, passes: Passes) -> None:
        connection = self._taken()
        with _told():
            await connection.pump(passes)

    def _taken(self) -> EngineConnection:
        if self._connection is None:
            raise EngineLost()
        return self._connection

    async def read(self, limit: int) -> bytes:
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                await self.close()
                raise EngineFailed("The model's answer is larger than this server passes on.")
        return bytes(body)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(connection)


class HttpInference:
    """One bounded pool of connections to the serving address.

    Args:
        serve_url: where the load balancer listens, without a trailing slash.
        token: the internal bearer token.
        connect_timeout, first_byte_timeout, idle_timeout: seconds; `first_byte_timeout` also bounds the
            wait for a whole answer that does not stream.
    """

    def __init__(
        self,
        serve_url: str,
        token: str,
        *,
        connect_timeout: float,
        first_byte_timeout: float,
        idle_timeout: float,
        connections: int = 2048,
    ) -> None:
        parts = urlsplit(serve_url)
        self._prefix = parts.path
        self._fixed = (
            f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json"
        )
        self._pool = ConnectionPool(
            serve_url,
            most=connections,
            connect_timeout=connect_timeout,
            first_byte_timeout=first_byte_timeout,
            idle_timeout=idle_timeout,
        )
        self._started = False

    async def start(self) -> None:
        self._started = True

    async def stop(self) -> None:
        self._started = False
        self._pool.close()

    async def send(
        self,
        target: Target,
        route: str,
        body: bytes,
        *,
        request_id: str,
        traceparent: str,
        claim: Claim = NO_CLAIM,
    ) -> HttpEngineResponse:
        if not self._started:
            raise ModelNotReady()
        head = (
            f"POST {self._prefix}{target.path}{route} HTTP/1.1\r\n{self._fixed}\r\n"
            f"{PRIORITY_HEADER}: {claim.priority.header}\r\n{TOKENS_HEADER}: {claim.tokens}\r\n"
            # Those that need no one replica spread, each by a value of its own.
            f"{AFFINITY_HEADER}: {claim.affinity or request_id}\r\n"
            f"Content-Length: {len(body)}\r\nx-request-id: {request_id}\r\ntraceparent: {traceparent}\r\n\r\n"
        ).encode("latin-1")
        if head.count(b"\n") != HEAD_LINES:
            raise ValueError("a line break in what goes into a header")
        connection = await self._pool.take()
        try:
            return await self._ask(connection, head, body)
        except EngineLost:
            if connection.used == 1 or connection.heard:
                raise
        # A kept connection that the other side closed while the request was on its way: not a byte came back.
        return await self._ask(await self._pool.take(fresh=True), head, body)

    async def _ask(self, connection: EngineConnection, head: bytes, body: bytes) -> HttpEngineResponse:
        try:
            connection.send(head, body)
            await connection.head()
            if nobody_there(connection.status, connection.headers):
                raise NoReplica(retry_after=RETRY_AFTER_SECONDS)
        except BaseException:
            # Cancelled, or broken: nobody waits for this answer any more.
            connection.close()
            raise
        return HttpEngineResponse(connection, self._pool)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Whoever looks after the engines reads of an answer that broke off."""
    try:
        yield
    except HeadraceError as error:
        log.warning("engine.broke_off", error=error.detail)
        raise
