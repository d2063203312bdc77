"""One process of many does what only one should do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from core.errors import HeadraceError
from core.log import get_logger
from core.postgres import Postgres
from core.tasks import end_task

log = get_logger(__name__)

# How long those who do not lead, and one that failed, wait until they try again.
TRY_AGAIN_SECONDS: Final = 1.0

Round = Callable[[], Awaitable[float]]


class Leader:
    """A loop that runs only while this process holds a lock of the database; the others wait for it.

    For a moment there can be two, when a connection was cut and its process has not noticed: every round has
    to be harmless when it is done twice.

    Args:
        name: of the work, for the log.
        lock: a number that no other work has.
        work: one round; returns the seconds until the next.
        left: called when this process leads no longer.
    """

    def __init__(
        self,
        postgres: Postgres,
        *,
        name: str,
        lock: int,
        work: Round,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        self._postgres = postgres
        self._name = name
        self._lock = lock
        self._work = work
        self._left = left
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._lead_or_wait(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _lead_or_wait(self) -> None:
        while True:
            try:
                async with self._postgres.connection() as connection:
                    if await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                        try:
                            while True:
                                # Notices a lost connection, and with it the lost lock.
                                await connection.execute("SELECT 1")
                                await asyncio.sleep(await self._work())
                        finally:
                            self._left()
                            if not connection.is_closed():
                                await connection.execute("SELECT pg_advisory_unlock($1)", self._lock)
            except HeadraceError as error:
                log.warning("leader.paused", work=self._name, error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("leader.crashed", work=self._name)
            await asyncio.sleep(TRY_AGAIN_SECONDS)
