"""The only queries of comparisons."""

from collections.abc import Sequence
from typing import Final

from core.errors import NotFound
from core.ids import new_id
from core.postgres import Postgres
from gateway.comparisons.schemas import Choice, ComparisonOut, NewComparison, Side, Tally

MOST_LISTED: Final = 50

# A pair is one pair, whichever of the two stood on the left.
_TALLIES: Final = """
WITH votes AS (
    SELECT name, choice, left_answer ->> 'revision' AS l, right_answer ->> 'revision' AS r
    FROM comparisons WHERE $1::text IS NULL OR name = $1
)
SELECT name, least(l, r) AS one, greatest(l, r) AS other,
    count(*) FILTER (WHERE choice = 'left' AND l < r OR choice = 'right' AND r < l) AS one_better,
    count(*) FILTER (WHERE choice = 'left' AND r < l OR choice = 'right' AND l < r) AS other_better,
    count(*) FILTER (WHERE choice = 'both') AS both,
    count(*) FILTER (WHERE choice = 'neither') AS neither
FROM votes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


class ComparisonRepository:
    """What was compared, and how it was judged."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(self, user_id: str, new: NewComparison) -> str:
        """Its id. Raises core.errors.NotFound for a revision that there never was."""
        comparison_id = new_id("cmp")
        known: int = await self._postgres.fetchval(
            "SELECT count(*) FROM model_revisions WHERE name = $1 AND revision IN ($2, $3)",
            new.name,
            new.left.revision,
            new.right.revision,
        )
        if known != 2:
            raise NotFound(f"{new.name} never had both of these revisions.")
        await self._postgres.execute(
            "INSERT INTO comparisons "
            "(id, user_id, name, prompt, system_prompt, left_answer, right_answer, choice) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            comparison_id,
            user_id,
            new.name,
            new.prompt,
            new.system_prompt,
            new.left.model_dump(mode="json"),
            new.right.model_dump(mode="json"),
            new.choice.value,
        )
        return comparison_id

    async def listed(self, name: str | None, limit: int = MOST_LISTED) -> Sequence[ComparisonOut]:
        """Of one name or of all, newest first."""
        rows = await self._postgres.fetch(
            "SELECT c.*, u.name AS by FROM comparisons c JOIN users u ON u.id = c.user_id "
            "WHERE $1::text IS NULL OR c.name = $1 ORDER BY c.created_at DESC, c.id DESC LIMIT $2",
            name,
            limit,
        )
        return [
            ComparisonOut(
                id=row["id"],
                name=row["name"],
                prompt=row["prompt"],
                system_prompt=row["system_prompt"],
                left=Side(**row["left_answer"]),
                right=Side(**row["right_answer"]),
                choice=Choice(row["choice"]),
                by=row["by"],
                created_at=row["created_at"],
            )
            for row in rows
        ]

    async def tallies(self, name: str | None) -> Sequence[Tally]:
        """All votes of one name or of all, a pair of revisions each."""
        return [Tally(**dict(row)) for row in await self._postgres.fetch(_TALLIES, name)]
