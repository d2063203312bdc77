"""The only queries of shares."""

from dataclasses import dataclass
from datetime import datetime

from core.ids import new_id
from core.postgres import Postgres
from gateway.conversations.messages import PARENTS

_SIZE = f"""
WITH RECURSIVE path AS (
    SELECT m.id, m.parent_id, octet_length(m.content) AS size FROM messages m WHERE m.id = $1
    UNION ALL
    SELECT m.id, m.parent_id, octet_length(m.content) FROM {PARENTS}
)
SELECT count(*) AS messages, sum(size) AS size FROM path
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Share:
    """A link. What it shows is the path from the root to `head_message_id`."""

    id: str
    title: str | None
    head_message_id: str
    created_at: datetime


class ShareRepository:
    """At most one link a conversation."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def size(self, head_message_id: str) -> tuple[int, int]:
        """Messages and bytes of the path to a message."""
        row = await self._postgres.fetchrow(_SIZE, head_message_id)
        return (row["messages"], int(row["size"] or 0)) if row else (0, 0)

    async def replace(
        self, conversation_id: str, *, title: str | None, head_message_id: str, token_hash: bytes
    ) -> Share:
        """A new link; the former one is dead."""
        row = await self._postgres.fetchrow(
            "INSERT INTO shares (id, conversation_id, token_hash, title, head_message_id) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (conversation_id) DO UPDATE SET id = excluded.id, "
            "token_hash = excluded.token_hash, title = excluded.title, "
            "head_message_id = excluded.head_message_id, created_at = now() "
            "RETURNING id, title, head_message_id, created_at",
            new_id("shr"),
            conversation_id,
            token_hash,
            title,
            head_message_id,
        )
        if row is None:
            raise LookupError("the row that was just written is not there")
        return Share(**dict(row))

    async def revoke(self, conversation_id: str) -> bool:
        """The link is dead; says whether there was one."""
        tag = await self._postgres.execute("DELETE FROM shares WHERE conversation_id = $1", conversation_id)
        return tag != "DELETE 0"

    async def find(self, token_hash: bytes) -> Share | None:
        """The link with this token, unless its conversation was deleted or its owner's account disabled."""
        row = await self._postgres.fetchrow(
            "SELECT s.id, s.title, s.head_message_id, s.created_at FROM shares s "
            "JOIN conversations c ON c.id = s.conversation_id JOIN users u ON u.id = c.user_id "
            "WHERE s.token_hash = $1 AND c.deleted_at IS NULL AND u.status = 'active'",
            token_hash,
        )
        return Share(**dict(row)) if row else None
