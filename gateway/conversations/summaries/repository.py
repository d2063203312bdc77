"""The only queries of summaries."""

from collections.abc import Sequence

from core.postgres import Connection, Postgres
from gateway.conversations.messages import PARENTS
from gateway.conversations.summaries.tables import Passage, SummaryRow

_PATH = f"""
WITH RECURSIVE path AS (
    SELECT id, parent_id, depth FROM messages WHERE id = $1
    UNION ALL
    SELECT m.id, m.parent_id, m.depth FROM {PARENTS}
)
"""  # noqa: S608 - a constant

_LONGEST = (
    _PATH
    + """
SELECT s.* FROM summaries s JOIN path p ON p.id = s.message_id
WHERE s.messages <= $2 ORDER BY s.messages DESC LIMIT 1
"""
)

_PASSAGES = (
    _PATH
    + """
SELECT m.id, m.depth, m.role, m.content FROM messages m JOIN path p ON p.id = m.id
WHERE p.depth >= $2 AND p.depth < $3 ORDER BY p.depth LIMIT $4
"""
)


class SummaryRepository:
    """Summaries; the caller has made sure whose conversations they are of."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def longest(self, message_id: str, most: int) -> SummaryRow | None:
        """Of those that cover at most the first `most` messages of the path to a message, the one that covers
        the most of them."""
        row = await self._postgres.fetchrow(_LONGEST, message_id, most)
        return SummaryRow(**dict(row)) if row else None

    async def passages(self, message_id: str, first: int, last: int, limit: int) -> Sequence[Passage]:
        """Messages of the path to a message, from the depth `first` to below `last`, oldest first."""
        rows = await self._postgres.fetch(_PASSAGES, message_id, first, last, limit)
        return [Passage(**dict(row)) for row in rows]

    async def add(
        self,
        connection: Connection,
        *,
        message_id: str,
        conversation_id: str,
        messages: int,
        text: str,
        model: str,
        tokens: int,
    ) -> None:
        """Keep a summary inside the caller's transaction; the first one up to a message stays."""
        await connection.execute(
            "INSERT INTO summaries (message_id, conversation_id, messages, text, model, tokens) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            message_id,
            conversation_id,
            messages,
            text,
            model,
            tokens,
        )

    async def wanted(self, connection: Connection, conversation_id: str) -> bool:
        """Whether the conversation's owner wants summaries."""
        return bool(
            await connection.fetchval("SELECT summarise FROM conversations WHERE id = $1", conversation_id)
        )
