"""The only queries of shadow answers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from core.ids import new_id
from core.postgres import Postgres
from gateway.shadows.schemas import ShadowAnswerOut, ShadowTally
from gateway.shadows.tables import Pair, Said

KEPT_DAYS: Final = 7
MOST_LISTED: Final = 50

_TALLIES: Final = """
SELECT name, revision, shadow_revision, count(*) AS answers,
    count(*) FILTER (WHERE outcome = 'failed') AS failed,
    count(*) FILTER (WHERE likeness = 1) AS same, avg(likeness) AS likeness,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (live ->> 'first_ms')::float8) AS live_first_ms,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (shadow ->> 'first_ms')::float8) AS shadow_first_ms,
    (avg((live ->> 'completion_tokens')::float8))::float8 AS live_tokens,
    (avg((shadow ->> 'completion_tokens')::float8))::float8 AS shadow_tokens
FROM shadow_answers WHERE name = $1 GROUP BY 1, 2, 3 ORDER BY max(created_at) DESC LIMIT 20
"""

# A conversation that its person has deleted is nobody's to read, though it can still be brought back.
_LISTED: Final = """
SELECT s.* FROM shadow_answers s LEFT JOIN conversations c ON c.id = s.conversation_id
WHERE s.name = $1 AND c.deleted_at IS NULL ORDER BY s.created_at DESC, s.id DESC LIMIT $2
"""


class ShadowRepository:
    """Answers that were only made to be compared, for a week."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(self, pair: Pair) -> None:
        """Keep a pair; one whose person or conversation is gone by now is not kept."""
        answered = pair.answered
        await self._postgres.execute(
            "INSERT INTO shadow_answers (id, user_id, conversation_id, name, revision, shadow_revision, "
            "outcome, detail, likeness, live, shadow, prompt) "
            "SELECT $1, u.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM users u WHERE u.id = $2 "
            "AND ($3::text IS NULL OR EXISTS (SELECT FROM conversations WHERE id = $3))",
            new_id("shd"),
            answered.user_id,
            answered.conversation_id,
            answered.target.model,
            answered.target.revision,
            pair.shadow_revision,
            "failed" if pair.detail is not None else "answered",
            pair.detail,
            pair.likeness,
            _side(answered.said, texts=pair.prompt is not None),
            _side(pair.shadow, texts=pair.prompt is not None),
            pair.prompt,
        )

    async def listed(self, name: str) -> Sequence[ShadowAnswerOut]:
        """The newest ones."""
        rows = await self._postgres.fetch(_LISTED, name, MOST_LISTED)
        return [ShadowAnswerOut.model_validate(dict(row)) for row in rows]

    async def tallies(self, name: str) -> Sequence[ShadowTally]:
        """What all of them come to, for each pair of revisions."""
        return [ShadowTally.model_validate(dict(row)) for row in await self._postgres.fetch(_TALLIES, name)]

    async def purge(self) -> None:
        """Forget what is older than a week."""
        await self._postgres.execute(
            "DELETE FROM shadow_answers WHERE created_at < now() - make_interval(days => $1)", KEPT_DAYS
        )


def _side(said: Said, *, texts: bool) -> dict[str, Any]:
    return {**asdict(said), "text": said.text if texts else None}
