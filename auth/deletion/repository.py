"""The SQL of deleting accounts."""

from collections.abc import Sequence
from datetime import datetime

from auth.people.last_admin import is_last_admin
from core.errors import Conflict
from core.postgres import Postgres


class DeletionRepository:
    """Marks accounts, and erases them."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def mark(self, user_id: str, at: datetime) -> bool:
        """Erase the account at this time; False where a time was set before, which stays.

        Raises core.errors.Conflict where nobody could look after people then.
        """
        async with self._postgres.transaction() as connection:
            if await is_last_admin(connection, user_id):
                raise Conflict("You are the last administrator. Make somebody else one first.")
            tag = await connection.execute(
                "UPDATE users SET delete_at = $2, updated_at = now() WHERE id = $1 AND delete_at IS NULL",
                user_id,
                at,
            )
        return tag == "UPDATE 1"

    async def unmark(self, user_id: str, now: datetime) -> bool:
        """Keep the account; whether it was marked, and is still there."""
        tag = await self._postgres.execute(
            "UPDATE users SET delete_at = NULL, updated_at = now() WHERE id = $1 AND delete_at > $2",
            user_id,
            now,
        )
        return tag == "UPDATE 1"

    async def due(self, now: datetime, most: int) -> Sequence[str]:
        """Ids of accounts whose time is over, longest first."""
        rows = await self._postgres.fetch(
            "SELECT id FROM users WHERE delete_at <= $1 ORDER BY delete_at LIMIT $2", now, most
        )
        return [row["id"] for row in rows]

    async def erase(self, user_id: str, now: datetime) -> bool:
        """Delete the account and all rows that are its person's; False where somebody else just did."""
        tag = await self._postgres.execute(
            "DELETE FROM users WHERE id = $1 AND delete_at <= $2", user_id, now
        )
        return tag == "DELETE 1"
