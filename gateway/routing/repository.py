"""The only queries of model_revisions and model_names."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from core.postgres import Connection, Postgres, Record
from gateway.routing.tables import Desired, NameRow, Origin, RevisionRow, ShadowRow, State
from models.spec import ModelSpec

# Longer than a gateway takes to read the routes anew and to send a request that it had already decided on.
RETIRE_AFTER_SECONDS: Final = 3.0
MOST_LISTED: Final = 500

_COLUMNS = (
    "name, revision, spec, desired, state, detail, weight, replicas, weights, origin, waking_since, "
    "coalesce(retire_at <= now(), true) AS retire_due, created_at, updated_at"
)
# On the way to answering.
_WAKING = "('pending', 'fetching', 'starting', 'warming')"
_OBSERVE = f"""
UPDATE model_revisions SET state = $3, detail = $4, replicas = $5, weights = coalesce($6, weights),
    updated_at = now(), waking_since = CASE
    WHEN $3 NOT IN {_WAKING} THEN NULL
    WHEN state IN {_WAKING} THEN coalesce(waking_since, now())
    ELSE now() END
WHERE name = $1 AND revision = $2 AND (state, detail, replicas, weights)
    IS DISTINCT FROM ($3, $4, $5, coalesce($6, weights))
"""  # noqa: S608 - of a constant
# Back among the wanted: what was retired, failed or never ran sets out anew.
_WANT = """
INSERT INTO model_revisions (name, revision, spec, desired, origin) VALUES ($1, $2, $3, 'serving', $4)
ON CONFLICT (name, revision) DO UPDATE SET spec = EXCLUDED.spec, desired = 'serving',
    origin = EXCLUDED.origin, retire_at = NULL, updated_at = now(),
    state = CASE WHEN model_revisions.desired = 'serving' AND model_revisions.state <> 'failed'
        THEN model_revisions.state ELSE 'pending' END,
    detail = CASE WHEN model_revisions.desired = 'serving' AND model_revisions.state <> 'failed'
        THEN model_revisions.detail END,
    waking_since = CASE WHEN model_revisions.desired = 'serving' AND model_revisions.state <> 'failed'
        THEN model_revisions.waking_since ELSE now() END
"""
_RETIRE = (
    "UPDATE model_revisions SET desired = 'retired', weight = 0, updated_at = now(), "
    "retire_at = now() + make_interval(secs => $1) "
)


class RevisionRepository:
    """Desired and observed state of every revision.

    Args:
        retire_after: seconds between the decision to retire a revision and its end.
    """

    def __init__(self, postgres: Postgres, *, retire_after: float = RETIRE_AFTER_SECONDS) -> None:
        self._postgres = postgres
        self._retire_after = retire_after

    async def all(self) -> Sequence[RevisionRow]:
        """Every revision that is wanted or still being taken down, oldest first."""
        rows = await self._postgres.fetch(
            f"SELECT {_COLUMNS} FROM model_revisions "  # noqa: S608 - constant
            "WHERE desired = 'serving' OR (desired = 'retired' AND state <> 'retired') "
            "ORDER BY created_at, name, revision"
        )
        return [_row(row) for row in rows]

    async def listed(self, name: str | None = None) -> Sequence[RevisionRow]:
        """Every revision there ever was, of one name or of all, newest first."""
        rows = await self._postgres.fetch(
            f"SELECT {_COLUMNS} FROM model_revisions WHERE $1::text IS NULL OR name = $1 "  # noqa: S608 - constant
            "ORDER BY name, created_at DESC, revision LIMIT $2",
            name,
            MOST_LISTED,
        )
        return [_row(row) for row in rows]

    async def names(self) -> Mapping[str, NameRow]:
        """What is decided about names, where anything is."""
        rows = await self._postgres.fetch(
            "SELECT name, fallback, shadow_revision, shadow_percent, shadow_texts FROM model_names "
            "WHERE fallback IS NOT NULL OR shadow_revision IS NOT NULL"
        )
        return {row["name"]: _name(row) for row in rows}

    async def want_configured(self, specs: Sequence[ModelSpec]) -> None:
        """Serve these revisions and retire all others, in one transaction; but leave alone the models that an
        operator has decided about."""
        async with self._postgres.transaction() as connection:
            # Several gateways may start at the same time.
            await connection.execute("LOCK TABLE model_names IN SHARE ROW EXCLUSIVE MODE")
            rows = await connection.fetch(
                "SELECT DISTINCT name FROM model_revisions WHERE origin = 'operator'"
            )
            theirs = {row["name"] for row in rows}
            ours = [spec for spec in specs if spec.name not in theirs]
            await connection.execute(
                _RETIRE + "WHERE desired = 'serving' AND name <> ALL($2::text[]) "  # noqa: S608 - constants
                "AND NOT (name, revision) IN (SELECT * FROM unnest($3::text[], $4::text[]))",
                self._retire_after,
                sorted(theirs),
                [spec.name for spec in ours],
                [spec.revision for spec in ours],
            )
            for spec in ours:
                await connection.execute(
                    "INSERT INTO model_names (name) VALUES ($1) ON CONFLICT DO NOTHING", spec.name
                )
                await self.want(connection, spec, Origin.SETTINGS)
                await self.set_weights(connection, spec.name, {spec.revision: 100})

    @asynccontextmanager
    async def deciding(self, name: str) -> AsyncIterator[Connection]:
        """One transaction in which nobody else decides about this name."""
        async with self._postgres.transaction() as connection:
            await connection.execute(
                "INSERT INTO model_names (name) VALUES ($1) ON CONFLICT DO NOTHING", name
            )
            await connection.execute("SELECT FROM model_names WHERE name = $1 FOR UPDATE", name)
            yield connection

    async def of_name(self, connection: Connection, name: str) -> Sequence[RevisionRow]:
        """Every revision of one name, oldest first."""
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM model_revisions WHERE name = $1 ORDER BY created_at, revision",  # noqa: S608 - constant
            name,
        )
        return [_row(row) for row in rows]

    async def add(self, connection: Connection, spec: ModelSpec) -> bool:
        """Keep a specification without running it; False when there is a revision of this name already."""
        tag = await connection.execute(
            "INSERT INTO model_revisions (name, revision, spec, desired, state, origin, waking_since) "
            "VALUES ($1, $2, $3, 'added', 'added', 'operator', NULL) ON CONFLICT DO NOTHING",
            spec.name,
            spec.revision,
            spec.model_dump(mode="json"),
        )
        return bool(tag != "INSERT 0 0")

    async def want(self, connection: Connection, spec: ModelSpec, origin: Origin) -> None:
        """Serve this revision from now on."""
        await connection.execute(_WANT, spec.name, spec.revision, spec.model_dump(mode="json"), origin.value)

    async def retire(self, connection: Connection, name: str, revision: str) -> None:
        """Take this revision's traffic away now, and the revision itself once everybody knows."""
        await connection.execute(
            "UPDATE model_names SET shadow_revision = NULL, shadow_percent = 0, shadow_texts = false "
            "WHERE name = $1 AND shadow_revision = $2",
            name,
            revision,
        )
        await connection.execute(
            _RETIRE + "WHERE name = $2 AND revision = $3", self._retire_after, name, revision
        )

    async def set_weights(self, connection: Connection, name: str, weights: Mapping[str, int]) -> None:
        """Share the traffic of a name; revisions that are not mentioned get none."""
        await connection.execute(
            "UPDATE model_revisions r SET weight = coalesce(w.weight, 0), updated_at = now() "
            "FROM model_revisions o LEFT JOIN unnest($2::text[], $3::int[]) AS w(revision, weight) "
            "ON w.revision = o.revision "
            "WHERE o.name = $1 AND r.name = o.name AND r.revision = o.revision "
            "AND r.weight <> coalesce(w.weight, 0)",
            name,
            list(weights),
            list(weights.values()),
        )

    async def take_charge(self, connection: Connection, name: str) -> None:
        """From now on operators decide about this model, and no start of a gateway overrules them."""
        await connection.execute(
            "UPDATE model_revisions SET origin = 'operator' WHERE name = $1 AND origin <> 'operator'", name
        )

    async def set_fallback(self, connection: Connection, name: str, fallback: str | None) -> None:
        """Who answers in place of a name that does not."""
        await connection.execute("UPDATE model_names SET fallback = $2 WHERE name = $1", name, fallback)

    async def set_shadow(self, connection: Connection, name: str, shadow: ShadowRow | None) -> None:
        """Who gets a copy of what this name is asked."""
        await connection.execute(
            "UPDATE model_names SET shadow_revision = $2, shadow_percent = $3, shadow_texts = $4 "
            "WHERE name = $1",
            name,
            shadow.revision if shadow else None,
            shadow.percent if shadow else 0,
            shadow.keep_texts if shadow else False,
        )

    async def observe(
        self,
        name: str,
        revision: str,
        state: State,
        detail: str | None,
        replicas: int = 0,
        weights: str | None = None,
    ) -> bool:
        """Write what was seen; says whether that was news. Without `weights` those that are known stay."""
        tag = await self._postgres.execute(_OBSERVE, name, revision, state.value, detail, replicas, weights)
        return tag != "UPDATE 0"


def _name(row: Record) -> NameRow:
    shadow = None
    if row["shadow_revision"] is not None:
        shadow = ShadowRow(row["shadow_revision"], row["shadow_percent"], row["shadow_texts"])
    return NameRow(row["fallback"], shadow)


def _row(row: Record) -> RevisionRow:
    return RevisionRow(
        spec=ModelSpec.model_validate(row["spec"]),
        desired=Desired(row["desired"]),
        state=State(row["state"]),
        detail=row["detail"],
        weight=row["weight"],
        replicas=row["replicas"],
        weights=row["weights"],
        origin=Origin(row["origin"]),
        waking_since=row["waking_since"],
        retire_due=row["retire_due"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
