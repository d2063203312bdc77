"""The only queries of revision_minutes and revision_waits."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from core.postgres import Postgres
from gateway.figures.tables import Figures

KEPT_DAYS: Final = 30

# In the order of their keys, so that two processes never wait for each other in a circle.
_ADD_MINUTES: Final = """
INSERT INTO revision_minutes AS m
    (name, revision, minute, requests, errors, prompt_tokens, completion_tokens)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::int[], $6::bigint[],
    $7::bigint[]) AS a(name, revision, minute, requests, errors, prompt_tokens, completion_tokens)
ORDER BY 1, 2, 3
ON CONFLICT (name, revision, minute) DO UPDATE SET requests = m.requests + excluded.requests,
    errors = m.errors + excluded.errors, prompt_tokens = m.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = m.completion_tokens + excluded.completion_tokens
"""
_ADD_WAITS: Final = """
INSERT INTO revision_waits AS w (name, revision, minute, bucket, requests)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::smallint[], $5::int[])
    AS a(name, revision, minute, bucket, requests)
ORDER BY 1, 2, 3, 4
ON CONFLICT (name, revision, minute, bucket) DO UPDATE SET requests = w.requests + excluded.requests
"""
_RATINGS: Final = """
SELECT coalesce(t.served_model, t.model) AS name, coalesce(t.served_revision, t.revision) AS revision,
    count(*) FILTER (WHERE m.rating = 'up') AS up,
    count(*) FILTER (WHERE m.rating = 'down') AS down
FROM messages m JOIN turns t ON t.id = m.turn_id
WHERE m.rated_at >= $1 AND ($2::text IS NULL OR coalesce(t.served_model, t.model) = $2)
GROUP BY 1, 2
"""

Revision = tuple[str, str]


class FigureRepository:
    """What was counted, of all processes together."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(self, figures: Mapping[tuple[str, str, datetime], Figures]) -> None:
        """Add to what is there, all of it or nothing."""
        waits = [
            (*key, bucket, count) for key, found in figures.items() for bucket, count in found.waits.items()
        ]
        async with self._postgres.transaction() as connection:
            await connection.execute(
                _ADD_MINUTES,
                [name for name, _, _ in figures],
                [revision for _, revision, _ in figures],
                [minute for _, _, minute in figures],
                [found.requests for found in figures.values()],
                [found.errors for found in figures.values()],
                [found.prompt_tokens for found in figures.values()],
                [found.completion_tokens for found in figures.values()],
            )
            if waits:
                await connection.execute(_ADD_WAITS, *[list(column) for column in zip(*waits, strict=True)])

    async def since(self, moment: datetime, name: str | None = None) -> Mapping[Revision, Figures]:
        """What the revisions, of one name or of all, did from the minute of `moment` on."""
        minute = moment.replace(second=0, microsecond=0)
        sums = await self._postgres.fetch(
            "SELECT name, revision, sum(requests)::bigint AS requests, sum(errors)::bigint AS errors, "
            "sum(prompt_tokens)::bigint AS prompt_tokens, "
            "sum(completion_tokens)::bigint AS completion_tokens "
            "FROM revision_minutes WHERE minute >= $1 AND ($2::text IS NULL OR name = $2) GROUP BY 1, 2",
            minute,
            name,
        )
        waits: dict[Revision, dict[int, int]] = defaultdict(dict)
        for row in await self._postgres.fetch(
            "SELECT name, revision, bucket, sum(requests)::bigint AS requests FROM revision_waits "
            "WHERE minute >= $1 AND ($2::text IS NULL OR name = $2) GROUP BY 1, 2, 3",
            minute,
            name,
        ):
            waits[row["name"], row["revision"]][row["bucket"]] = row["requests"]
        thumbs = {
            (row["name"], row["revision"]): (row["up"], row["down"])
            for row in await self._postgres.fetch(_RATINGS, minute, name)
        }
        counted = {
            (row["name"], row["revision"]): (
                row["requests"],
                row["errors"],
                row["prompt_tokens"],
                row["completion_tokens"],
            )
            for row in sums
        }
        found = {}
        for key in counted.keys() | thumbs.keys():
            requests, errors, prompt, completion = counted.get(key, (0, 0, 0, 0))
            up, down = thumbs.get(key, (0, 0))
            found[key] = Figures(requests, errors, prompt, completion, waits.get(key, {}), up, down)
        return found

    async def purge(self) -> None:
        """Forget what is long over."""
        for table in ("revision_minutes", "revision_waits"):
            await self._postgres.execute(
                f"DELETE FROM {table} WHERE minute < now() - make_interval(days => $1)",  # noqa: S608 - constant
                KEPT_DAYS,
            )
