"""The only queries of model_revisions."""

from collections.abc import Sequence

from core.postgres import Connection, Postgres, Record
from gateway.routing.tables import Desired, RevisionRow, State
from models.spec import ModelSpec

_COLUMNS = "spec, desired, state, detail, waking_since, created_at, updated_at"
# On the way to answering.
_WAKING = "('pending', 'starting', 'warming')"
_OBSERVE = f"""
UPDATE model_revisions SET state = $3, detail = $4, updated_at = now(), waking_since = CASE
    WHEN $3 NOT IN {_WAKING} THEN NULL
    WHEN state IN {_WAKING} THEN coalesce(waking_since, now())
    ELSE now() END
WHERE name = $1 AND revision = $2 AND (state, detail) IS DISTINCT FROM ($3, $4)
"""  # noqa: S608 - of a constant


class RevisionRepository:
    """Desired and observed state of every revision."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def all(self) -> Sequence[RevisionRow]:
        """Every revision that is wanted or still being taken down, oldest first."""
        rows = await self._postgres.fetch(
            f"SELECT {_COLUMNS} FROM model_revisions WHERE desired = 'serving' OR state <> 'retired' "  # noqa: S608 - constant
            "ORDER BY created_at, name, revision"
        )
        return [_row(row) for row in rows]

    async def want_exactly(self, specs: Sequence[ModelSpec]) -> None:
        """Serve these revisions and retire all others, in one transaction."""
        async with self._postgres.transaction() as connection:
            await connection.execute(
                "UPDATE model_revisions SET desired = 'retired', updated_at = now() "
                "WHERE desired = 'serving' AND NOT (name, revision) IN "
                "(SELECT * FROM unnest($1::text[], $2::text[]))",
                [spec.name for spec in specs],
                [spec.revision for spec in specs],
            )
            for spec in specs:
                await _want(connection, spec)

    async def observe(self, name: str, revision: str, state: State, detail: str | None) -> bool:
        """Write what was seen; says whether that was news."""
        tag = await self._postgres.execute(_OBSERVE, name, revision, state.value, detail)
        return tag != "UPDATE 0"


async def _want(connection: Connection, spec: ModelSpec) -> None:
    await connection.execute(
        "INSERT INTO model_revisions (name, revision, spec, desired) VALUES ($1, $2, $3, 'serving') "
        "ON CONFLICT (name, revision) DO UPDATE SET spec = EXCLUDED.spec, desired = 'serving', "
        "state = CASE model_revisions.desired WHEN 'retired' THEN 'pending' ELSE model_revisions.state END, "
        "waking_since = CASE model_revisions.desired WHEN 'retired' THEN now() "
        "ELSE model_revisions.waking_since END, "
        "updated_at = now()",
        spec.name,
        spec.revision,
        spec.model_dump(mode="json"),
    )


def _row(row: Record) -> RevisionRow:
    return RevisionRow(
        spec=ModelSpec.model_validate(row["spec"]),
        desired=Desired(row["desired"]),
        state=State(row["state"]),
        detail=row["detail"],
        waking_since=row["waking_since"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
