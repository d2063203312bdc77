"""Finding what was said."""

import math
from typing import Final

from gateway.conversations.cursors import not_ours, read_cursor, write_cursor
from gateway.conversations.search.fragments import excerpt
from gateway.conversations.search.repository import Match, SearchRepository
from gateway.conversations.search.schemas import SearchHit, SearchPage

# What comes after so many words does not narrow a search any more.
MOST_WORDS: Final = 16
LARGEST_ID: Final = 2**63 - 1
# Ranks are about 0 to 1; beyond this, a cursor was made by somebody else.
HIGHEST_SCORE: Final = 100.0


class SearchService:
    """Searches in the conversations of one person; deleted ones are not looked at."""

    def __init__(self, repository: SearchRepository) -> None:
        self._repository = repository

    async def search(self, user_id: str, text: str, limit: int, cursor: str | None) -> SearchPage:
        """Titles and messages with all the words of `text`, the last one perhaps unfinished; best first.

        Raises core.errors.Invalid for a cursor that we did not give.
        """
        after = _read(cursor) if cursor else None
        words = (await self._repository.words(text))[:MOST_WORDS]
        if not words:
            return SearchPage(items=[], next_cursor=None)
        matches = await self._repository.search(user_id, words, limit + 1, after)
        shown = matches[:limit]
        return SearchPage(
            items=[
                SearchHit(
                    conversation_id=match.conversation_id,
                    title=match.title,
                    message_id=match.message_id,
                    role=match.role,
                    fragments=excerpt(match.text, words),
                    created_at=match.created_at,
                )
                for match in shown
            ],
            next_cursor=_write(shown[-1]) if len(matches) > limit else None,
        )


def _write(match: Match) -> str:
    return write_cursor(repr(match.score), str(match.id))


def _read(cursor: str) -> tuple[float, int]:
    score, entry = read_cursor(cursor, 2)
    try:
        after = float(score), int(entry)
    except ValueError as error:
        raise not_ours() from error
    if not math.isfinite(after[0]) or abs(after[0]) > HIGHEST_SCORE or not 0 < after[1] <= LARGEST_ID:
        raise not_ours()
    return after
