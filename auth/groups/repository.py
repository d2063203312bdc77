"""The SQL of groups."""

from datetime import datetime
from typing import Final

from auth.budget import Budget
from auth.groups.tables import GROUP_COLUMNS, GroupRow
from core.ids import new_id
from core.postgres import Postgres

_WITH_MEMBERS: Final = (
    f"SELECT {GROUP_COLUMNS}, (SELECT count(*) FROM users u WHERE u.group_id = g.id) AS members "  # noqa: S608
    "FROM groups g "
)


class GroupRepository:
    """Reads and writes groups, and who is in them."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of(self, group_id: str | None) -> GroupRow | None:
        """The group somebody is in, if they are in one."""
        if group_id is None:
            return None
        record = await self._postgres.fetchrow(f"SELECT {GROUP_COLUMNS} FROM groups WHERE id = $1", group_id)  # noqa: S608
        return GroupRow.of(record) if record else None

    async def find_counted(self, group_id: str) -> tuple[GroupRow, int] | None:
        """The group of this id, and how many members it has."""
        record = await self._postgres.fetchrow(_WITH_MEMBERS + "WHERE g.id = $1", group_id)
        return (GroupRow.of(record), record["members"]) if record else None

    async def all(self, limit: int) -> list[tuple[GroupRow, int]]:
        """Groups by name, each with how many members it has."""
        rows = await self._postgres.fetch(_WITH_MEMBERS + "ORDER BY lower(g.name) LIMIT $1", limit)
        return [(GroupRow.of(row), row["members"]) for row in rows]

    async def add(
        self, *, name: str, models: frozenset[str] | None, budget: Budget, now: datetime, most: int
    ) -> str | None:
        """The id of a new group, or None where there are `most` already. Raises core.postgres.UniqueViolation
        where the name is taken."""
        group_id: str | None = await self._postgres.fetchval(
            "INSERT INTO groups (id, name, models, tokens_per_day, tokens_per_month, created_at) "
            "SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM groups) < $7 RETURNING id",
            new_id("grp"),
            name,
            None if models is None else sorted(models),
            budget.day,
            budget.month,
            now,
            most,
        )
        return group_id

    async def replace(
        self, group_id: str, *, name: str, models: frozenset[str] | None, budget: Budget
    ) -> bool:
        """Whether there is such a group. Raises core.postgres.UniqueViolation where the name is taken."""
        tag = await self._postgres.execute(
            "UPDATE groups SET name = $2, models = $3, tokens_per_day = $4, tokens_per_month = $5 "
            "WHERE id = $1",
            group_id,
            name,
            None if models is None else sorted(models),
            budget.day,
            budget.month,
        )
        return tag == "UPDATE 1"

    async def delete_empty(self, group_id: str) -> int | None:
        """How many members keep it from being deleted, 0 when it is gone; None where there is none such."""
        async with self._postgres.transaction() as connection:
            # Whoever puts somebody in waits until this is over.
            known = await connection.fetchval("SELECT 1 FROM groups WHERE id = $1 FOR UPDATE", group_id)
            if known is None:
                return None
            members: int = await connection.fetchval(
                "SELECT count(*) FROM users WHERE group_id = $1", group_id
            )
            if members == 0:
                await connection.execute("DELETE FROM groups WHERE id = $1", group_id)
        return members

    async def put(self, user_id: str, group_id: str | None) -> bool:
        """Put somebody into a group, or into none; whether there are both."""
        tag = await self._postgres.execute(
            "UPDATE users SET group_id = $2, updated_at = now() WHERE id = $1 "
            "AND ($2::text IS NULL OR EXISTS (SELECT 1 FROM groups WHERE id = $2 FOR KEY SHARE))",
            user_id,
            group_id,
        )
        return tag == "UPDATE 1"
