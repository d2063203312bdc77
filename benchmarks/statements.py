"""SQL statements, counted by PostgreSQL itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self

from core.postgres import Postgres

# What is not done for every other turn is not part of a turn.
LEAST: Final = 0.5


class Statements:
    """What the gateway's role asked, by `pg_stat_statements`.

    Args:
        idle_seconds: an idle gateway has its loops; they are watched for this long.
    """

    def __init__(self, url: str, idle_seconds: float) -> None:
        self._postgres = Postgres(url, size=2)
        self._idle_seconds = idle_seconds
        self._idle: dict[str, float] | None = None

    async def of(self, work: Callable[[], Awaitable[None]], times: int) -> Mapping[str, float]:
        """Calls of each statement in one of the `times` repetitions in `work`, idle loops taken off."""
        if self._idle is None:
            before = await self._calls()
            await asyncio.sleep(self._idle_seconds)
            loops = _more(before, await self._calls())
            self._idle = {query: calls / self._idle_seconds for query, calls in loops.items()}
        before, began = await self._calls(), time.monotonic()
        await work()
        seconds = time.monotonic() - began
        # What follows a turn, such as its title, is begun by then.
        asked = _more(before, await self._calls())
        found = {
            query: (calls - self._idle.get(query, 0.0) * seconds) / times for query, calls in asked.items()
        }
        return {query: round(calls, 2) for query, calls in found.items() if calls >= LEAST}

    async def _calls(self) -> dict[str, int]:
        rows = await self._postgres.fetch(
            "SELECT query, sum(calls)::bigint AS calls FROM pg_stat_statements "
            "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND query NOT LIKE '%pg_stat_statements%' GROUP BY query"
        )
        return {row["query"]: row["calls"] for row in rows}

    async def __aenter__(self) -> Self:
        await self._postgres.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._postgres.stop()


def _more(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {
        query: calls - before.get(query, 0) for query, calls in after.items() if calls > before.get(query, 0)
    }
