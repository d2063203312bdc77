"""The only file that opens PostgreSQL connections."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson

from core.errors import Conflict, Invalid, Unavailable
from core.log import get_logger

log = get_logger(__name__)

Record = asyncpg.Record

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]
    Pool = asyncpg.Pool[Record]
else:
    # The driver's classes take no type parameters at run time.
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool


class Postgres:
    """A bounded pool of connections.

    A connection is held for a query or a transaction, never while tokens stream. Every call has a deadline.

    Raises (from every method): core.errors.Unavailable when the database cannot be reached, is too slow or
    has no free connection; core.errors.Conflict when two transactions collided.
    """

    def __init__(self, dsn: str, *, size: int = 10, timeout: float = 10.0) -> None:
        self._dsn = dsn
        self._size = size
        self._timeout = timeout
        self._pool: Pool | None = None
        # The server processes of connections that may hold session state: locks, notifications.
        self._stateful: set[int] = set()

    async def start(self) -> None:
        """Open the pool.

        The first connection is made here, so that a wrong address is found at start.
        """
        with _translated():
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=1,
                max_size=self._size,
                command_timeout=self._timeout,
                timeout=self._timeout,
                max_inactive_connection_lifetime=300,
                init=_set_up_connection,
                reset=self._reset,
            )

    async def stop(self) -> None:
        """Close the pool, waiting a bounded time for what still runs."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            await asyncio.wait_for(pool.close(), timeout=5)
        except TimeoutError:
            pool.terminate()

    @property
    def _open_pool(self) -> Pool:
        if self._pool is None:
            raise Unavailable("The database connection is closed.")
        return self._pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with _translated():
            async with self._open_pool.acquire(timeout=self._timeout) as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection without a transaction, for advisory locks and notifications; they end with it."""
        async with self._acquired() as connection:
            self._stateful.add(connection.get_server_pid())
            yield connection

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        with _translated():
            async with self._open_pool.acquire(timeout=self._timeout) as connection:
                yield connection

    async def _reset(self, connection: "asyncpg.Connection[Record]") -> None:
        """What the driver sends after every use, four statements, only where there may be something to reset.

        Transactions are ended by the driver in any case.
        """
        process = connection.get_server_pid()
        if process in self._stateful:
            await connection.execute(connection.get_reset_query())
            self._stateful.discard(process)

    async def fetch(self, query: str, *args: object) -> Sequence[Record]:
        """All rows of one query."""
        async with self._acquired() as connection:
            rows: Sequence[Record] = await connection.fetch(query, *args)
            return rows

    async def fetchrow(self, query: str, *args: object) -> Record | None:
        """The first row of one query, or None."""
        async with self._acquired() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        async with self._acquired() as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run one statement; returns the server's command tag."""
        async with self._acquired() as connection:
            tag: str = await connection.execute(query, *args)
            return tag

    async def check(self) -> None:
        """Ask for nothing; raises Unavailable when that fails within 2 s."""
        with _translated():
            # Also bounds the wait for a free connection.
            async with asyncio.timeout(2):
                await self._open_pool.fetchval("SELECT 1")


async def _set_up_connection(connection: "asyncpg.Connection[Record]") -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, encoder=_encode_json, decoder=orjson.loads, schema="pg_catalog", format="text"
        )


def _encode_json(value: object) -> str:
    return orjson.dumps(value).decode()


# What the driver says, and what we say. The first match counts, so the special ones come first.
_TRANSLATIONS: tuple[tuple[type[BaseException], type[Unavailable | Conflict | Invalid]], ...] = (
    # A NUL character, or a number out of the column's range, that came with a request.
    (asyncpg.exceptions.DataError, Invalid),
    (asyncpg.exceptions.SerializationError, Conflict),
    (asyncpg.exceptions.DeadlockDetectedError, Conflict),
    (asyncpg.exceptions.InsufficientResourcesError, Unavailable),
    (asyncpg.exceptions.OperatorInterventionError, Unavailable),
    (asyncpg.exceptions.PostgresConnectionError, Unavailable),
    (asyncpg.exceptions.InvalidAuthorizationSpecificationError, Unavailable),
    (asyncpg.exceptions.ReadOnlySQLTransactionError, Unavailable),
    (asyncpg.exceptions.InternalClientError, Unavailable),
    (asyncpg.exceptions.InterfaceError, Unavailable),
    (TimeoutError, Unavailable),
    (OSError, Unavailable),
)


class _translated:  # noqa: N801 - it reads as a statement: with _translated()
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is None or error is None:
            return
        for foreign, ours in _TRANSLATIONS:
            if issubclass(kind, foreign):
                log.warning("postgres.failed", error=repr(error))
                if ours is not Unavailable:
                    raise ours() from error
                raise Unavailable(
                    "The database is not answering. Nothing was lost; try again in a moment.", retry_after=2
                ) from error


UniqueViolation = asyncpg.exceptions.UniqueViolationError
"""Raised by an INSERT that repeats a unique value; repositories translate it into their own meaning."""
