"""What was said before a message, as the prompt of a turn needs it.

Somebody waits for it, and it may be hundreds of messages: so it reads no more of each than a prompt is made
of, and reads them as they lie in the index of their conversation instead of climbing from parent to parent.
"""

from collections.abc import Sequence
from typing import Final

from core.postgres import Postgres, Record
from gateway.conversations.messages import PARENTS
from gateway.conversations.recent_paths import RecentPaths
from gateway.conversations.tables import MessageStatus, SaidRow

# Only the newest answers tell what their turns cost: who makes a prompt looks no further back.
FIGURES_DEPTH: Final = 8

_COLUMNS: Final = """p.id, p.parent_id, p.depth, p.role, p.content, p.status, p.model,
    t.revision, t.status, t.prompt_tokens, t.completion_tokens, t.trimmed_messages"""

_FIGURES: Final = f"""LEFT JOIN LATERAL (
    SELECT coalesce(served_revision, revision) AS revision, status, prompt_tokens, completion_tokens,
        trimmed_messages
    FROM turns WHERE id = p.turn_id AND p.role = 'assistant' AND p.depth > h.depth - {FIGURES_DEPTH} OFFSET 0
) t ON true"""  # noqa: S608 - a constant of this file

# The conversation's messages no deeper than the head, the deepest first. There may be other branches among
# them. `OFFSET 0` keeps the planner from reading all turns for a handful.
_LEVELS: Final = f"""
WITH h AS MATERIALIZED (SELECT id, depth FROM messages WHERE id = {{head}} AND conversation_id = $1)
SELECT h.id, {_COLUMNS}
FROM h CROSS JOIN LATERAL (
    SELECT * FROM messages WHERE conversation_id = $1 AND depth <= h.depth{{beyond}}
    ORDER BY depth DESC, id DESC LIMIT $2
) p
{_FIGURES}
ORDER BY p.depth DESC, p.id DESC
"""  # noqa: S608 - of constants of this file

_HEAD: Final = "(SELECT head_message_id FROM conversations WHERE id = $1)"
_ABOVE: Final = _LEVELS.format(head="$3", beyond="")
_VISIBLE: Final = _LEVELS.format(head=_HEAD, beyond="")
_NEWER: Final = _LEVELS.format(head=_HEAD, beyond=" AND depth > $3")

_CLIMB: Final = f"""
WITH RECURSIVE path AS (
    SELECT m.* FROM messages m WHERE m.id = $1 AND m.conversation_id = $2
    UNION ALL
    SELECT m.* FROM {PARENTS}
), h AS (SELECT $4::integer AS depth)
SELECT {_COLUMNS}
FROM (SELECT * FROM path LIMIT $3) p CROSS JOIN h
{_FIGURES}
ORDER BY p.depth DESC
"""  # noqa: S608 - of constants of this file


class HistoryRepository:
    """The way from a message to the root of its conversation; the caller has made sure whose it is."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._recent = RecentPaths()

    async def visible(self, conversation_id: str, limit: int) -> Sequence[SaidRow]:
        """The visible path, newest message first, at most `limit` of them."""
        said = await self._newer(conversation_id, limit)
        if not said:
            rows = await self._postgres.fetch(_VISIBLE, conversation_id, limit)
            said = await self._whole(conversation_id, rows, limit)
        # Only the newest one may still be written.
        if said and said[0].status != MessageStatus.STREAMING:
            self._recent.keep(conversation_id, said)
        else:
            self._recent.forget(conversation_id)
        return said

    async def _newer(self, conversation_id: str, limit: int) -> Sequence[SaidRow]:
        """The visible path, if it goes on from the one that was read before; else nothing."""
        known = self._recent.get(conversation_id)
        if not known:
            return ()
        rows = await self._postgres.fetch(_NEWER, conversation_id, limit, known[0].depth)
        said, goes_on_from = _path_in(rows)
        if not said or goes_on_from != known[0].id:
            return ()
        whole = [*said, *known][:limit]
        return whole if whole[-1].parent_id is None or len(whole) == limit else ()

    async def above(self, conversation_id: str, message_id: str, limit: int) -> Sequence[SaidRow]:
        """From a message of the conversation towards the root, itself first, at most `limit` of them."""
        rows = await self._postgres.fetch(_ABOVE, conversation_id, limit, message_id)
        return await self._whole(conversation_id, rows, limit)

    async def _whole(self, conversation_id: str, rows: Sequence[Record], limit: int) -> Sequence[SaidRow]:
        said, missing = _path_in(rows)
        if missing is not None and len(said) < limit:
            # Other branches took the room: the rest is climbed, message by message.
            room, deepest = limit - len(said), rows[0]["depth"]
            climbed = await self._postgres.fetch(_CLIMB, missing, conversation_id, room, deepest)
            said += [SaidRow(*row) for row in climbed]
        return said


def _path_in(rows: Sequence[Record]) -> tuple[list[SaidRow], str | None]:
    """The head and those above it, as far as they are in `rows`, and the id of the next one that is not."""
    said: list[SaidRow] = []
    wanted: str | None = rows[0][0] if rows else None
    for _, *values in rows:
        if values[0] == wanted:
            row = SaidRow(*values)
            said.append(row)
            wanted = row.parent_id
    return said, wanted
