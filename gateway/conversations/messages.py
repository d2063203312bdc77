"""The queries of messages that read or rate; gateway.chat writes them. Those of a conversation are a tree."""

from collections.abc import Sequence

from core.postgres import Connection, Postgres, Record
from gateway.conversations.tables import MessageRow, MessageStatus, Role, SiblingsRow

_COLUMNS = """
p.id, p.conversation_id, p.parent_id, p.depth, p.turn_id, p.role, p.content, p.status, p.model, p.created_at,
    p.rating, t.status AS turn_status, coalesce(t.served_revision, t.revision) AS revision, t.finish_reason,
    t.error, t.prompt_tokens, t.completion_tokens, t.ttft_ms, t.duration_ms, t.trimmed_messages,
    t.summarised_messages
"""


# The parents of `path`, each looked up by its key. A plain join is planned for more messages than the one
# that there is at each step, and reads all messages at every step where there are few of them.
PARENTS = "path p CROSS JOIN LATERAL (SELECT * FROM messages WHERE id = p.parent_id OFFSET 0) m"


# From a message up to the root, newest message first.
_PATH = f"""
WITH RECURSIVE path AS (
    SELECT m.* FROM messages m WHERE m.id = $1
    UNION ALL
    SELECT m.* FROM {PARENTS}
)
SELECT {_COLUMNS}
FROM (SELECT * FROM path LIMIT $2) p
LEFT JOIN turns t ON t.id = p.turn_id AND p.role = 'assistant'
ORDER BY p.depth DESC
"""  # noqa: S608 - of constants of this file

_TREE = f"""
SELECT {_COLUMNS}
FROM (SELECT * FROM messages WHERE conversation_id = $1 AND (depth, id) > ($2, $3)
    ORDER BY depth, id LIMIT $4) p
LEFT JOIN turns t ON t.id = p.turn_id AND p.role = 'assistant'
ORDER BY p.depth, p.id
"""  # noqa: S608 - a constant of this file

_SOME = f"""
SELECT {_COLUMNS}
FROM messages p LEFT JOIN turns t ON t.id = p.turn_id AND p.role = 'assistant'
WHERE p.id = ANY($1::text[]) ORDER BY p.depth
"""  # noqa: S608 - a constant of this file

_PATH_IDS = f"""
WITH RECURSIVE path AS (
    SELECT m.id, m.parent_id, 1 AS step FROM messages m WHERE m.id = $1
    UNION ALL
    SELECT m.id, m.parent_id, p.step + 1 FROM {PARENTS}
)
SELECT id FROM path ORDER BY step DESC LIMIT $2
"""  # noqa: S608 - a constant of this file

_SIBLINGS = """
SELECT * FROM (
    SELECT m.id, row_number() OVER place AS index,
        count(*) OVER (PARTITION BY m.parent_id, m.role) AS count,
        lag(m.id) OVER place AS previous_id, lead(m.id) OVER place AS next_id
    FROM (
        SELECT id, parent_id, role, created_at FROM messages WHERE parent_id = ANY($3::text[])
        UNION ALL
        SELECT id, parent_id, role, created_at FROM messages
        WHERE conversation_id = $1 AND depth = 0 AND $4
    ) m
    WINDOW place AS (PARTITION BY m.parent_id, m.role ORDER BY m.created_at, m.id)
) s WHERE s.id = ANY($2::text[])
"""

_NEWEST_LEAF = """
WITH RECURSIVE below AS (
    SELECT m.id, m.created_at, m.depth FROM messages m WHERE m.id = $2 AND m.conversation_id = $1
    UNION ALL
    SELECT m.id, m.created_at, m.depth FROM messages m JOIN below b ON m.parent_id = b.id
)
SELECT b.id FROM below b WHERE NOT EXISTS (SELECT 1 FROM messages c WHERE c.parent_id = b.id)
ORDER BY b.created_at DESC, b.id DESC LIMIT 1
"""


class MessageRepository:
    """Messages; the caller has made sure whose they are."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def path(self, message_id: str, limit: int) -> Sequence[MessageRow]:
        """Up to `limit` messages from `message_id` towards the root, newest first."""
        rows = await self._postgres.fetch(_PATH, message_id, limit)
        return [_message(row) for row in rows]

    async def path_ids(self, message_id: str, limit: int) -> Sequence[str]:
        """The ids from the root to `message_id`, the first `limit` of them."""
        return [row["id"] for row in await self._postgres.fetch(_PATH_IDS, message_id, limit)]

    async def some(self, message_ids: Sequence[str]) -> Sequence[MessageRow]:
        """These messages, those nearest to the root first."""
        return [_message(row) for row in await self._postgres.fetch(_SOME, list(message_ids))]

    async def tree(
        self, conversation_id: str, after: tuple[int, str] | None, limit: int
    ) -> Sequence[MessageRow]:
        """Messages of all branches, parents before children, from `after` (depth and id) on."""
        depth, message_id = after or (-1, "")
        rows = await self._postgres.fetch(_TREE, conversation_id, depth, message_id, limit)
        return [_message(row) for row in rows]

    async def in_conversation(self, conversation_id: str, message_id: str) -> MessageRow | None:
        """A message of this conversation; None for one from elsewhere."""
        found = await self.some([message_id])
        return found[0] if found and found[0].conversation_id == conversation_id else None

    async def parent_in(self, conversation_id: str, message_id: str) -> str | None:
        """The parent of a message of this conversation; None for the root or a message from elsewhere."""
        parent: str | None = await self._postgres.fetchval(
            "SELECT parent_id FROM messages WHERE id = $1 AND conversation_id = $2",
            message_id,
            conversation_id,
        )
        return parent

    async def siblings(self, conversation_id: str, messages: Sequence[MessageRow]) -> dict[str, SiblingsRow]:
        """By id, where each of these messages of the conversation stands among its siblings."""
        if not messages:
            return {}
        parents = {message.parent_id for message in messages}
        rows = await self._postgres.fetch(
            _SIBLINGS,
            conversation_id,
            [message.id for message in messages],
            [parent for parent in parents if parent is not None],
            None in parents,
        )
        return {row["id"]: SiblingsRow(**dict(row)) for row in rows}

    async def rate(self, conversation_id: str, message_id: str, rating: str | None) -> bool:
        """Note what a person thinks of an answer; says whether there is such an answer."""
        tag = await self._postgres.execute(
            "UPDATE messages SET rating = $3::text, "
            "rated_at = CASE WHEN $3::text IS NULL THEN NULL ELSE now() END "
            "WHERE id = $2 AND conversation_id = $1 AND role = 'assistant'",
            conversation_id,
            message_id,
            rating,
        )
        return tag != "UPDATE 0"

    async def newest_leaf(self, connection: Connection, conversation_id: str, message_id: str) -> str | None:
        """The newest message without children at or below a message of this conversation."""
        leaf: str | None = await connection.fetchval(_NEWEST_LEAF, conversation_id, message_id)
        return leaf


_ROLES = {role.value: role for role in Role}
_STATUSES = {status.value: status for status in MessageStatus}


def _message(row: Record) -> MessageRow:
    values = dict(row)
    values["role"] = _ROLES[values["role"]]
    values["status"] = _STATUSES[values["status"]]
    return MessageRow(**values)
