"""The only queries of prompts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.errors import Conflict
from core.ids import new_id
from core.postgres import Postgres, Record
from gateway.prompts.tables import PromptRow, PromptScope

# Of one person, and of everyone's: all are listed at once.
MOST_PROMPTS: Final = 200


class PromptRepository:
    """Prompts that a person sees: their own, and those for everyone."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def all(self, user_id: str) -> Sequence[PromptRow]:
        """By name."""
        rows = await self._postgres.fetch(
            "SELECT id, user_id, scope, name, description, template, updated_at FROM prompts "
            "WHERE scope = 'everyone' OR user_id = $1 ORDER BY lower(name), id LIMIT $2",
            user_id,
            2 * MOST_PROMPTS,
        )
        return [_prompt(row) for row in rows]

    async def get(self, user_id: str, prompt_id: str) -> PromptRow | None:
        """One that this person sees."""
        row = await self._postgres.fetchrow(
            "SELECT id, user_id, scope, name, description, template, updated_at FROM prompts "
            "WHERE id = $1 AND (scope = 'everyone' OR user_id = $2)",
            prompt_id,
            user_id,
        )
        return _prompt(row) if row else None

    async def create(
        self, user_id: str, *, scope: PromptScope, name: str, description: str, template: str
    ) -> PromptRow:
        """A new one. Raises core.errors.Conflict when the library is full."""
        async with self._postgres.transaction() as connection:
            # Two at the same moment are counted one after the other.
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"prm:{user_id}"
            )
            count = await connection.fetchval(
                "SELECT count(*) FROM prompts WHERE scope = $2 AND (scope = 'everyone' OR user_id = $1)",
                user_id,
                scope.value,
            )
            if count >= MOST_PROMPTS:
                raise Conflict(f"The library holds {MOST_PROMPTS} prompts at most. Delete one first.")
            row = await connection.fetchrow(
                "INSERT INTO prompts (id, user_id, scope, name, description, template) "
                "VALUES ($1, $2, $3, $4, $5, $6) "
                "RETURNING id, user_id, scope, name, description, template, updated_at",
                new_id("prm"),
                user_id,
                scope.value,
                name,
                description,
                template,
            )
            if row is None:
                raise LookupError("the row that was just written is not there")
            return _prompt(row)

    async def change(self, prompt_id: str, changes: Mapping[str, Any]) -> PromptRow | None:
        """Set what `changes` names; the caller has made sure that it may be changed."""
        row = await self._postgres.fetchrow(
            "UPDATE prompts SET name = coalesce($2, name), description = coalesce($3, description), "
            "template = coalesce($4, template), updated_at = now() "
            "WHERE id = $1 RETURNING id, user_id, scope, name, description, template, updated_at",
            prompt_id,
            changes.get("name"),
            changes.get("description"),
            changes.get("template"),
        )
        return _prompt(row) if row else None

    async def delete(self, prompt_id: str) -> None:
        """For good; the caller has made sure that it may be deleted."""
        await self._postgres.execute("DELETE FROM prompts WHERE id = $1", prompt_id)


def _prompt(row: Record) -> PromptRow:
    values = dict(row)
    values["scope"] = PromptScope(values["scope"])
    return PromptRow(**values)
