"""The only queries of conversations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from core.errors import TurnRunning
from core.ids import new_id
from core.postgres import Postgres, Record
from gateway.conversations.messages import MessageRepository
from gateway.conversations.search.repository import SearchRepository
from gateway.conversations.tables import ConversationRow

# How long a deleted conversation can be brought back.
KEPT_DAYS: Final = 30

_CONVERSATION = """
SELECT c.id, c.user_id, c.title, c.model, c.system_prompt, c.parameters, c.pinned, c.archived,
    c.summarise, c.head_message_id, c.created_at, c.updated_at, s.id AS share_id, s.created_at AS shared_at,
    (SELECT t.id FROM turns t WHERE t.conversation_id = c.id AND t.status = 'running') AS running_turn_id
FROM conversations c LEFT JOIN shares s ON s.conversation_id = c.id
"""

# What a person may change, and how the column is written.
_CHANGEABLE: Final = ("title", "pinned", "archived", "system_prompt", "model", "parameters", "summarise")


class ConversationRepository(MessageRepository):
    """Conversations of one person; another person's are not there."""

    def __init__(self, postgres: Postgres) -> None:
        super().__init__(postgres)
        self._search = SearchRepository(postgres)

    async def page(
        self, user_id: str, limit: int, before: tuple[bool, datetime, str] | None, *, archived: bool
    ) -> Sequence[ConversationRow]:
        """Pinned ones, then the others, each newest first, from `before` (whether pinned, time and id of the
        last one seen) on."""
        rows = await self._postgres.fetch(
            _CONVERSATION + "WHERE c.user_id = $1 AND c.archived = $3 AND c.deleted_at IS NULL "
            "AND ($4::boolean IS NULL OR (c.pinned, c.updated_at, c.id) < ($4, $5, $6)) "
            "ORDER BY c.pinned DESC, c.updated_at DESC, c.id DESC LIMIT $2",
            user_id,
            limit,
            archived,
            before[0] if before else None,
            before[1] if before else None,
            before[2] if before else None,
        )
        return [_conversation(row) for row in rows]

    async def get(self, user_id: str, conversation_id: str) -> ConversationRow | None:
        """One conversation, or None when there is none or it is somebody else's."""
        row = await self._postgres.fetchrow(
            _CONVERSATION + "WHERE c.id = $1 AND c.user_id = $2 AND c.deleted_at IS NULL",
            conversation_id,
            user_id,
        )
        return _conversation(row) if row else None

    async def create(
        self,
        user_id: str,
        *,
        title: str | None,
        model: str | None,
        system_prompt: str | None,
        parameters: Mapping[str, Any],
        summarise: bool,
    ) -> str:
        """A new, empty conversation; returns its id."""
        conversation_id = new_id("cnv")
        async with self._postgres.transaction() as connection:
            await connection.execute(
                "INSERT INTO conversations "
                "(id, user_id, title, title_source, model, system_prompt, parameters, summarise) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                conversation_id,
                user_id,
                title,
                "person" if title else None,
                model,
                system_prompt,
                dict(parameters),
                summarise,
            )
            if title:
                await self._search.add_title(connection, conversation_id)
        return conversation_id

    async def change(self, user_id: str, conversation_id: str, changes: Mapping[str, Any]) -> bool:
        """Set the columns named in `changes`; a title is then the person's own. Says whether the conversation
        is there."""
        columns = [name for name in _CHANGEABLE if name in changes]
        # Only names from the list above get into the statement.
        sets = [f"{name} = ${number}" for number, name in enumerate(columns, 3)]
        if "title" in changes:
            sets.append("title_source = 'person'")
        async with self._postgres.transaction() as connection:
            tag = await connection.execute(
                f"UPDATE conversations SET {', '.join(sets) or 'title = title'} "  # noqa: S608
                "WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
                conversation_id,
                user_id,
                *(changes[name] for name in columns),
            )
            if "title" in changes and tag != "UPDATE 0":
                await self._search.add_title(connection, conversation_id)
        return bool(tag != "UPDATE 0")

    async def delete(self, user_id: str, conversation_id: str) -> bool:
        """Hide it; says whether it was there."""
        tag = await self._postgres.execute(
            "UPDATE conversations SET deleted_at = now() "
            "WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            conversation_id,
            user_id,
        )
        return tag != "UPDATE 0"

    async def restore(self, user_id: str, conversation_id: str) -> bool:
        """Show it again while it is kept; says whether it is there now."""
        tag = await self._postgres.execute(
            "UPDATE conversations SET deleted_at = NULL WHERE id = $1 AND user_id = $2 "
            "AND (deleted_at IS NULL OR deleted_at > now() - make_interval(days => $3))",
            conversation_id,
            user_id,
            KEPT_DAYS,
        )
        return tag != "UPDATE 0"

    async def purge(self, limit: int) -> int:
        """Delete for good what was deleted long ago, `limit` conversations at most; returns how many."""
        rows = await self._postgres.fetch(
            "DELETE FROM conversations WHERE id = ANY(ARRAY(SELECT id FROM conversations "
            "WHERE deleted_at < now() - make_interval(days => $1) "
            "ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING id",
            KEPT_DAYS,
            limit,
        )
        return len(rows)

    async def show_branch(self, user_id: str, conversation_id: str, message_id: str) -> bool:
        """Make the newest leaf below a message the head; says whether message and conversation are there.

        Raises: core.errors.TurnRunning.
        """
        async with self._postgres.transaction() as connection:
            # Whoever begins a turn waits for this lock, or has been seen when we get it.
            locked = await connection.fetchval(
                "SELECT id FROM conversations "
                "WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL FOR UPDATE",
                conversation_id,
                user_id,
            )
            if locked is None:
                return False
            if await connection.fetchval(
                "SELECT id FROM turns WHERE conversation_id = $1 AND status = 'running'", conversation_id
            ):
                raise TurnRunning()
            leaf = await self.newest_leaf(connection, conversation_id, message_id)
            if leaf is None:
                return False
            await connection.execute(
                "UPDATE conversations SET head_message_id = $2 WHERE id = $1", conversation_id, leaf
            )
            return True


def _conversation(row: Record) -> ConversationRow:
    return ConversationRow(**dict(row))
