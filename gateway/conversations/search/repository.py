"""The only queries of search_entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.postgres import Connection, Postgres

# Of so many matches the best are shown: the newest titles and the newest messages. A word that is in more of
# one person's messages than this tells too little to rank them all by it.
MOST_TITLES = 100
MOST_MESSAGES = 300
# As much of a message as search_text() of the schema looks at, in characters.
SEARCHED_CHARACTERS = 50_000
# Stands before each word of a query until the mark does; search_text() leaves none of it in a word.
MARK = "~"

_TITLE = """
INSERT INTO search_entries (user_id, conversation_id, message_id, created_at, words)
SELECT c.user_id, c.id, NULL, c.created_at,
    setweight(search_words(search_title_mark(c.user_id), c.title), 'A')
FROM conversations c WHERE c.id = $1 AND c.title IS NOT NULL
ON CONFLICT (conversation_id) WHERE message_id IS NULL DO UPDATE SET words = excluded.words
"""

_MESSAGES = """
WITH new AS (
    SELECT c.user_id, m.conversation_id, m.id, m.depth, m.created_at, m.content
    FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE m.id = ANY($1::text[]) AND m.status <> 'streaming' AND m.content <> ''
    AND NOT EXISTS (SELECT 1 FROM search_entries e WHERE e.message_id = m.id)
), owner AS (
    INSERT INTO search_owners (user_id, messages) SELECT user_id, count(*) FROM new GROUP BY user_id
    ON CONFLICT (user_id) DO UPDATE SET messages = search_owners.messages + excluded.messages
    RETURNING user_id, messages
)
INSERT INTO search_entries (user_id, conversation_id, message_id, created_at, words)
SELECT n.user_id, n.conversation_id, n.id, n.created_at,
    search_words(search_mark(n.user_id, o.messages), n.content)
FROM new n JOIN owner o ON o.user_id = n.user_id ORDER BY n.depth
ON CONFLICT (message_id) DO NOTHING
"""

_THEIRS = """
    AND e.user_id = $1 AND e.conversation_id NOT IN (
        SELECT d.id FROM conversations d WHERE d.user_id = $1 AND d.deleted_at IS NOT NULL)
    ORDER BY e.id DESC LIMIT"""

_SEARCH = f"""
WITH candidates AS MATERIALIZED (
    (SELECT e.id, e.conversation_id, e.message_id, e.created_at, ts_rank(e.words, q.query, 1) AS score
    FROM (SELECT replace($2, '{MARK}', search_title_mark($1))::tsquery AS query) q
    CROSS JOIN LATERAL (
        SELECT e.* FROM search_entries e WHERE e.words @@ q.query {_THEIRS} {MOST_TITLES}
    ) e)
    UNION ALL
    (SELECT e.id, e.conversation_id, e.message_id, e.created_at, ts_rank(e.words, q.query, 1) AS score
    FROM search_owners o
    -- The newest two thousand messages, then those before them, until there are enough.
    CROSS JOIN LATERAL generate_series(o.messages, 0, -2048) AS part(messages)
    CROSS JOIN LATERAL (
        SELECT replace($2, '{MARK}', search_mark($1, part.messages))::tsquery AS query
    ) q
    CROSS JOIN LATERAL (
        SELECT e.* FROM search_entries e WHERE e.words @@ q.query {_THEIRS} {MOST_MESSAGES}
    ) e
    WHERE o.user_id = $1 LIMIT {MOST_MESSAGES})
), page AS (
    SELECT * FROM candidates WHERE $3::real IS NULL OR (score, id) < ($3, $4::bigint)
    ORDER BY score DESC, id DESC LIMIT $5
)
SELECT p.id, p.score, p.conversation_id, c.title, p.message_id, m.role, p.created_at,
    left(coalesce(m.content, c.title, ''), {SEARCHED_CHARACTERS}) AS text
FROM page p
JOIN conversations c ON c.id = p.conversation_id AND c.deleted_at IS NULL
LEFT JOIN messages m ON m.id = p.message_id
ORDER BY p.score DESC, p.id DESC
"""  # noqa: S608 - constants of this file


@dataclass(frozen=True, slots=True)
class Match:
    """A title or a message that was found; `text` is the part of it that is searched."""

    id: int
    score: float
    conversation_id: str
    title: str | None
    message_id: str | None
    role: str | None
    created_at: datetime
    text: str


class SearchRepository:
    """What can be found, and finding it."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add_title(self, connection: Connection, conversation_id: str) -> None:
        """Inside the caller's transaction: the conversation is found by the title that it has now."""
        await connection.execute(_TITLE, conversation_id)

    async def add_messages(self, connection: Connection, message_ids: Sequence[str]) -> None:
        """Inside the caller's transaction: these messages are found, unless they are still being written."""
        await connection.execute(_MESSAGES, list(message_ids))

    async def words(self, text: str) -> Sequence[str]:
        """The words of what a person typed, as the index knows them, in their order."""
        rows = await self._postgres.fetch(
            "SELECT lexeme FROM unnest(to_tsvector('pg_catalog.simple', search_text($1))) "
            # A word that comes twice stands where it came last.
            "ORDER BY positions[array_length(positions, 1)]",
            text,
        )
        return [row["lexeme"] for row in rows]

    async def search(
        self, user_id: str, words: Sequence[str], limit: int, after: tuple[float, int] | None
    ) -> Sequence[Match]:
        """Titles and messages of this person that hold all of `words`, the last one perhaps longer; best
        first, from `after` (score and id of the last one seen) on."""
        rows = await self._postgres.fetch(
            _SEARCH,
            user_id,
            _query(words),
            after[0] if after else None,
            after[1] if after else None,
            limit,
        )
        return [Match(**dict(row)) for row in rows]


def _query(words: Sequence[str]) -> str:
    """A tsquery's text, in which every word is quoted: no character of it is an operator."""
    quoted = ["'" + MARK + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words]
    return " & ".join(quoted) + ":*"
