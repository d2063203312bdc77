"""Erases accounts whose time is over, once nothing of theirs runs any more."""

from typing import Final

from auth.deletion.service import Deletion
from core.log import get_logger
from core.postgres import Postgres

log = get_logger(__name__)

AT_ONCE: Final = 50


class AccountErasure:
    """What belongs to a person goes with their row. What was used stays in the ledger and names nobody, so
    that it still agrees with the engines."""

    def __init__(self, postgres: Postgres, deletion: Deletion) -> None:
        self._postgres = postgres
        self._deletion = deletion

    async def step(self) -> None:
        """One round. Raises core.errors.Unavailable."""
        for user_id in await self._deletion.due(AT_ONCE):
            if await self._works(user_id):
                # Nothing new can begin, so the next round finds it at rest.
                log.info("account.erasure_waits", user_id=user_id)
                continue
            subjects = await self._subjects(user_id)
            if await self._deletion.erase(user_id):
                await self._postgres.execute(
                    "DELETE FROM usage_periods WHERE subject = ANY($1::text[])", subjects
                )

    async def _works(self, user_id: str) -> bool:
        """Whether an answer is being written for this person, or a request of theirs is not yet booked."""
        return bool(
            await self._postgres.fetchval(
                "SELECT EXISTS (SELECT 1 FROM turns WHERE user_id = $1 AND status = 'running') "
                "OR EXISTS (SELECT 1 FROM ledger_entries WHERE user_id = $1 AND state = 'reserved')",
                user_id,
            )
        )

    async def _subjects(self, user_id: str) -> list[str]:
        """Whose budgets nobody asks for any more: the person's and their keys'."""
        rows = await self._postgres.fetch("SELECT id FROM api_keys WHERE user_id = $1", user_id)
        return [user_id, *(row["id"] for row in rows)]
