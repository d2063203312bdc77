"""The only queries of conversations, and the reading ones of messages."""

from collections.abc import Sequence
from datetime import datetime

from core.ids import new_id
from core.postgres import Postgres, Record
from gateway.conversations.tables import ConversationRow, MessageRow, MessageStatus, Role

_CONVERSATION = """
SELECT c.id, c.user_id, c.title, c.model, c.system_prompt, c.head_message_id, c.created_at, c.updated_at,
    (SELECT t.id FROM turns t WHERE t.conversation_id = c.id AND t.status = 'running') AS running_turn_id
FROM conversations c
"""

# The visible path, newest message first: from a message up to the root.
_PATH = """
WITH RECURSIVE path AS (
    SELECT m.* FROM messages m WHERE m.id = $1
    UNION ALL
    SELECT m.* FROM messages m JOIN path p ON m.id = p.parent_id
)
SELECT p.id, p.conversation_id, p.parent_id, p.depth, p.turn_id, p.role, p.content, p.status, p.model,
    p.created_at, t.revision, t.finish_reason, t.error, t.prompt_tokens, t.completion_tokens, t.ttft_ms,
    t.duration_ms, t.trimmed_messages
FROM (SELECT * FROM path LIMIT $2) p
LEFT JOIN turns t ON t.id = p.turn_id AND p.role = 'assistant'
ORDER BY p.depth DESC
"""


class ConversationRepository:
    """Conversations of one person; another person's are not there."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def page(
        self, user_id: str, limit: int, before: tuple[datetime, str] | None
    ) -> Sequence[ConversationRow]:
        """Newest first, from `before` (time and id of the last one seen) on."""
        rows = await self._postgres.fetch(
            _CONVERSATION + "WHERE c.user_id = $1 AND c.deleted_at IS NULL "
            "AND ($3::timestamptz IS NULL OR (c.updated_at, c.id) < ($3, $4)) "
            "ORDER BY c.updated_at DESC, c.id DESC LIMIT $2",
            user_id,
            limit,
            before[0] if before else None,
            before[1] if before else None,
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
        self, user_id: str, *, title: str | None, model: str | None, system_prompt: str | None
    ) -> str:
        """A new, empty conversation; returns its id."""
        conversation_id = new_id("cnv")
        await self._postgres.execute(
            "INSERT INTO conversations (id, user_id, title, title_source, model, system_prompt) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            conversation_id,
            user_id,
            title,
            "person" if title else None,
            model,
            system_prompt,
        )
        return conversation_id

    async def rename(self, user_id: str, conversation_id: str, title: str) -> bool:
        """A title given by the person; says whether the conversation is there."""
        tag = await self._postgres.execute(
            "UPDATE conversations SET title = $3, title_source = 'person' "
            "WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            conversation_id,
            user_id,
            title,
        )
        return tag != "UPDATE 0"

    async def delete(self, user_id: str, conversation_id: str) -> bool:
        """Hide it; says whether it was there."""
        tag = await self._postgres.execute(
            "UPDATE conversations SET deleted_at = now() "
            "WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            conversation_id,
            user_id,
        )
        return tag != "UPDATE 0"

    async def path(self, message_id: str, limit: int) -> Sequence[MessageRow]:
        """Up to `limit` messages from `message_id` towards the root, newest first.

        The caller has made sure whose they are.
        """
        rows = await self._postgres.fetch(_PATH, message_id, limit)
        return [_message(row) for row in rows]

    async def parent_in(self, conversation_id: str, message_id: str) -> str | None:
        """The parent of a message of this conversation; None for the root or a message from elsewhere."""
        parent: str | None = await self._postgres.fetchval(
            "SELECT parent_id FROM messages WHERE id = $1 AND conversation_id = $2",
            message_id,
            conversation_id,
        )
        return parent


def _conversation(row: Record) -> ConversationRow:
    return ConversationRow(**dict(row))


def _message(row: Record) -> MessageRow:
    values = dict(row)
    values["role"] = Role(values["role"])
    values["status"] = MessageStatus(values["status"])
    return MessageRow(**values)
