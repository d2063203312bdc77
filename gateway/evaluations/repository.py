"""The only queries of eval_sets and eval_runs."""

from collections.abc import Sequence
from typing import Any, Final

from core.errors import NotFound
from core.ids import new_id
from core.postgres import Connection, Postgres, Record
from gateway.evaluations.schemas import CASES, Result, RunOut, RunState, SetIn, SetOut, digest_of

MOST_LISTED: Final = 50
MOST_SETS: Final = 200

_RUN: Final = (
    'id, set_name AS "set", digest, name, revision, state, detail, pass_share, cases, results, promotion_id, '
    "created_at, ended_at"
)


class EvaluationRepository:
    """Sets, and what revisions made of them."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def keep_set(self, user_id: str, name: str, new: SetIn) -> SetOut:
        """Make or change one. Whoever did it last pays for its runs."""
        row = await self._postgres.fetchrow(
            "INSERT INTO eval_sets (name, user_id, digest, pass_share, cases) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (name) DO UPDATE SET user_id = excluded.user_id, digest = excluded.digest, "
            "pass_share = excluded.pass_share, cases = excluded.cases, updated_at = now() "
            "RETURNING name, digest, pass_share, cases, updated_at",
            name,
            user_id,
            digest_of(new),
            new.pass_share,
            CASES.dump_python(new.cases, mode="json", by_alias=True),
        )
        assert row is not None  # noqa: S101 - what was written is returned
        return _set(row)

    async def sets(self) -> Sequence[SetOut]:
        """All of them, by name."""
        rows = await self._postgres.fetch(
            "SELECT name, digest, pass_share, cases, updated_at FROM eval_sets ORDER BY name LIMIT $1",
            MOST_SETS,
        )
        return [_set(row) for row in rows]

    async def has_set(self, connection: Connection, name: str) -> bool:
        """Whether there is one of this name."""
        return bool(await connection.fetchval("SELECT true FROM eval_sets WHERE name = $1", name))

    async def drop_set(self, name: str) -> bool:
        """Delete one; its runs stay. False where there was none."""
        return await self._postgres.execute("DELETE FROM eval_sets WHERE name = $1", name) != "DELETE 0"

    async def begin(
        self,
        connection: Connection,
        set_name: str,
        name: str,
        revision: str,
        promotion_id: str | None,
        user_id: str | None,
    ) -> RunOut:
        """A run of a set as it is now; `user_id`: who pays for it, None is whoever made the set.

        Raises core.errors.NotFound.
        """
        run = await self._insert(
            connection,
            "SELECT $1, coalesce($6::text, user_id), name, digest, pass_share, cases, $3, $4, $5::text "
            "FROM eval_sets WHERE name = $2",
            set_name,
            name,
            revision,
            promotion_id,
            user_id,
        )
        if run is None:
            raise NotFound(f"There is no evaluation set {set_name!r}.")
        return run

    async def begin_again(
        self, connection: Connection, run_id: str, user_id: str, revision: str | None
    ) -> RunOut:
        """The same cases again. Raises core.errors.NotFound."""
        run = await self._insert(
            connection,
            "SELECT $1, $3, set_name, digest, pass_share, cases, name, coalesce($4::text, revision), NULL "
            "FROM eval_runs WHERE id = $2",
            run_id,
            user_id,
            revision,
        )
        if run is None:
            raise NotFound("There is no such run.")
        return run

    async def get(self, run_id: str) -> RunOut | None:
        """One run."""
        row = await self._postgres.fetchrow(f"SELECT {_RUN} FROM eval_runs WHERE id = $1", run_id)  # noqa: S608 - constant
        return _run(row) if row else None

    async def owner(self, connection: Connection, run_id: str) -> str:
        """Who pays for it."""
        found: str = await connection.fetchval("SELECT user_id FROM eval_runs WHERE id = $1", run_id)
        return found

    async def of_promotion(self, connection: Connection, promotion_id: str) -> RunOut | None:
        """The run that decides about a promotion, once it has begun."""
        row = await connection.fetchrow(
            f"SELECT {_RUN} FROM eval_runs WHERE promotion_id = $1 ORDER BY created_at DESC LIMIT 1",  # noqa: S608 - constant
            promotion_id,
        )
        return _run(row) if row else None

    async def listed(self, name: str | None) -> Sequence[RunOut]:
        """Of one model or of all, newest first, without cases and results."""
        rows = await self._postgres.fetch(
            'SELECT id, set_name AS "set", digest, name, revision, state, detail, pass_share, '
            "'[]'::jsonb AS cases, '[]'::jsonb AS results, promotion_id, created_at, ended_at FROM eval_runs "
            "WHERE $1::text IS NULL OR name = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
            name,
            MOST_LISTED,
        )
        return [_run(row) for row in rows]

    async def add_result(self, connection: Connection, run_id: str, case: int, result: Result) -> None:
        """Of the case number `case`, once."""
        await connection.execute(
            "UPDATE eval_runs SET results = results || $3 WHERE id = $1 AND state = 'running' "
            "AND jsonb_array_length(results) = $2",
            run_id,
            case,
            [result.model_dump(mode="json")],
        )

    async def end(self, connection: Connection, run_id: str, state: RunState, detail: str | None) -> None:
        """No more cases."""
        await connection.execute(
            "UPDATE eval_runs SET state = $2, detail = $3, ended_at = now() "
            "WHERE id = $1 AND state = 'running'",
            run_id,
            state.value,
            detail,
        )

    async def _insert(self, connection: Connection, select: str, *arguments: Any) -> RunOut | None:
        row = await connection.fetchrow(
            "INSERT INTO eval_runs (id, user_id, set_name, digest, pass_share, cases, name, revision, "
            f"promotion_id) {select} RETURNING {_RUN}",
            new_id("evl"),
            *arguments,
        )
        return _run(row) if row else None


def _set(row: Record) -> SetOut:
    return SetOut.model_validate(dict(row))


def _run(row: Record) -> RunOut:
    return RunOut.model_validate(dict(row))
