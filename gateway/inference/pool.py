"""A bounded pool of connections to one address."""

import asyncio
import ssl
from collections import deque
from typing import Final
from urllib.parse import urlsplit

from core.errors import NoReplica, Overloaded
from core.log import get_logger
from gateway.inference.connection import EngineConnection

log = get_logger(__name__)

# A connection that nobody used for so long is closed; shorter than what servers allow.
IDLE_SECONDS: Final = 30.0
RETRY_AFTER_SECONDS: Final = 2.0


class ConnectionPool:
    """Connections are used again, the latest first, so that those which are not needed grow old and go.

    Args:
        url: http or https, a host and perhaps a port.
        most: how many connections there may be.
    """

    def __init__(
        self, url: str, *, most: int, connect_timeout: float, first_byte_timeout: float, idle_timeout: float
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._most = most
        self._connect_timeout = connect_timeout
        self._first_byte_timeout = first_byte_timeout
        self._idle_timeout = idle_timeout
        self._idle: deque[EngineConnection] = deque()
        self._all: set[EngineConnection] = set()
        self._opening = 0
        self._sweep: asyncio.TimerHandle | None = None

    async def take(self, *, fresh: bool = False) -> EngineConnection:
        """A connection for one request; `fresh` asks for one that was never used.

        Raises: core.errors.NoReplica when nobody listens there, Overloaded when there are too many.
        """
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.open:
                return connection
        if len(self._all) + self._opening >= self._most:
            raise Overloaded(retry_after=RETRY_AFTER_SECONDS)
        self._opening += 1
        try:
            return await self._open()
        finally:
            self._opening -= 1

    def give_back(self, connection: EngineConnection) -> None:
        """Its request is over: it is kept for the next one if it can be, and closed otherwise."""
        if not connection.reusable:
            connection.close()
            return
        connection.rest()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_old)

    def close(self) -> None:
        """End all of them."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._idle.clear()
        for connection in list(self._all):
            connection.close()

    async def _open(self) -> EngineConnection:
        loop = asyncio.get_running_loop()

        def make() -> EngineConnection:
            return EngineConnection(
                loop,
                first_byte_timeout=self._first_byte_timeout,
                idle_timeout=self._idle_timeout,
                on_lost=self._all.discard,
            )

        try:
            async with asyncio.timeout(self._connect_timeout):
                _, connection = await loop.create_connection(make, self._host, self._port, ssl=self._ssl)
        except (OSError, TimeoutError) as error:
            log.warning("engine.unreachable", host=self._host, port=self._port, error=repr(error))
            raise NoReplica(retry_after=RETRY_AFTER_SECONDS) from error
        self._all.add(connection)
        return connection

    def _close_old(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = None
        before = loop.time() - IDLE_SECONDS
        while self._idle and (not self._idle[0].open or self._idle[0].idle_since <= before):
            self._idle.popleft().close()
        if self._idle:
            self._sweep = loop.call_at(self._idle[0].idle_since + IDLE_SECONDS, self._close_old)
