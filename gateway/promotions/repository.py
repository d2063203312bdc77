"""The only queries of promotions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from core.errors import Conflict
from core.postgres import Connection, Postgres, Record, UniqueViolation
from gateway.promotions.plan import Plan
from gateway.promotions.tables import PromotionRow, PromotionState

MOST_LISTED: Final = 100

_COLUMNS = (
    "id, name, revision, before, plan, state, step, step_began_at, baseline, steps, detail, stop_asked, "
    "started_by, receipt, created_at, ended_at"
)
# Streams that began before the last step and were still answered by a revision that has no traffic any more.
# None drains for longer than a day: with that bound the index by time is enough, however big the ledger is.
_ON_OLD = """
SELECT count(*) FILTER (WHERE outcome <> 'failed') AS finished,
    count(*) FILTER (WHERE outcome = 'failed') AS lost
FROM ledger_entries
WHERE model = $1 AND revision = ANY($2::text[]) AND kind IN ('turn', 'api') AND state <> 'reserved'
    AND created_at BETWEEN $3::timestamptz - interval '1 day' AND $3::timestamptz + interval '5 seconds'
    AND settled_at >= $3::timestamptz
"""


class PromotionRepository:
    """Promotions: those that run, and the receipts of those that ended."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def begin(
        self,
        connection: Connection,
        *,
        promotion_id: str,
        name: str,
        revision: str,
        before: Mapping[str, int],
        plan: Plan,
        started_by: str,
    ) -> PromotionRow:
        """Raises core.errors.Conflict while another one of this name runs."""
        try:
            row = await connection.fetchrow(
                "INSERT INTO promotions (id, name, revision, before, plan, state, started_by) "  # noqa: S608 - constants
                f"VALUES ($1, $2, $3, $4, $5, 'warming', $6) RETURNING {_COLUMNS}",
                promotion_id,
                name,
                revision,
                dict(before),
                plan.model_dump(mode="json"),
                started_by,
            )
        except UniqueViolation as error:
            raise Conflict(
                f"A promotion of {name} is running. Wait for its end, or roll it back first."
            ) from error
        assert row is not None  # noqa: S101 - what was inserted is returned
        return _row(row)

    async def running(self) -> Sequence[str]:
        """The ids of those that have not ended, oldest first."""
        rows = await self._postgres.fetch(
            "SELECT id FROM promotions WHERE ended_at IS NULL ORDER BY created_at"
        )
        return [row["id"] for row in rows]

    async def get(self, promotion_id: str) -> PromotionRow | None:
        """One promotion."""
        row = await self._postgres.fetchrow(f"SELECT {_COLUMNS} FROM promotions WHERE id = $1", promotion_id)  # noqa: S608 - constant
        return _row(row) if row else None

    async def listed(self, name: str | None, limit: int = MOST_LISTED) -> Sequence[PromotionRow]:
        """Of one name or of all, newest first."""
        rows = await self._postgres.fetch(
            f"SELECT {_COLUMNS} FROM promotions WHERE $1::text IS NULL OR name = $1 "  # noqa: S608 - constant
            "ORDER BY created_at DESC, id DESC LIMIT $2",
            name,
            limit,
        )
        return [_row(row) for row in rows]

    async def running_of(self, connection: Connection, name: str) -> str | None:
        """The id of the one that runs for this name."""
        found: str | None = await connection.fetchval(
            "SELECT id FROM promotions WHERE name = $1 AND ended_at IS NULL", name
        )
        return found

    async def last_promoted(self, connection: Connection, name: str) -> PromotionRow | None:
        """The newest one of this name that came to its goal."""
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM promotions WHERE name = $1 AND state = 'promoted' "  # noqa: S608 - constant
            "ORDER BY ended_at DESC LIMIT 1",
            name,
        )
        return _row(row) if row else None

    async def current(self, connection: Connection, promotion_id: str) -> PromotionRow | None:
        """One that has not ended, as it is now."""
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM promotions WHERE id = $1 AND ended_at IS NULL FOR UPDATE",  # noqa: S608 - constant
            promotion_id,
        )
        return _row(row) if row else None

    async def ask_to_stop(self, connection: Connection, promotion_id: str) -> None:
        """Whoever conducts it will go back."""
        await connection.execute(
            "UPDATE promotions SET stop_asked = true, updated_at = now() WHERE id = $1", promotion_id
        )

    async def say(self, connection: Connection, promotion_id: str, detail: str) -> None:
        """What it waits for."""
        await connection.execute(
            "UPDATE promotions SET detail = $2, updated_at = now() "
            "WHERE id = $1 AND detail IS DISTINCT FROM $2",
            promotion_id,
            detail,
        )

    async def begin_step(
        self,
        connection: Connection,
        promotion_id: str,
        step: int,
        began_at: datetime,
        baseline: Mapping[str, Any],
        steps: Sequence[Mapping[str, Any]],
    ) -> None:
        """Traffic moves on. The baseline of the first step stays."""
        await connection.execute(
            "UPDATE promotions SET state = 'moving', step = $2, step_began_at = $3, "
            "baseline = coalesce(baseline, $4), steps = $5, detail = NULL, updated_at = now() WHERE id = $1",
            promotion_id,
            step,
            began_at,
            dict(baseline),
            list(steps),
        )

    async def begin_draining(
        self,
        connection: Connection,
        promotion_id: str,
        began_at: datetime,
        steps: Sequence[Mapping[str, Any]],
    ) -> None:
        """All traffic has moved."""
        await connection.execute(
            "UPDATE promotions SET state = 'draining', step_began_at = $2, steps = $3, detail = NULL, "
            "updated_at = now() WHERE id = $1",
            promotion_id,
            began_at,
            list(steps),
        )

    async def end(
        self,
        connection: Connection,
        promotion_id: str,
        state: PromotionState,
        detail: str | None,
        ended_at: datetime,
        receipt: Mapping[str, Any],
    ) -> None:
        """Keep the receipt."""
        await connection.execute(
            "UPDATE promotions SET state = $2, detail = $3, ended_at = $4, receipt = $5, updated_at = now() "
            "WHERE id = $1",
            promotion_id,
            state.value,
            detail,
            ended_at,
            dict(receipt),
        )

    async def streams_on_old(
        self, connection: Connection, name: str, revisions: Sequence[str], moved_at: datetime
    ) -> tuple[int, int]:
        """Answers that the old revisions still brought to an end after the traffic had moved, and those of
        them that failed."""
        row = await connection.fetchrow(_ON_OLD, name, list(revisions), moved_at)
        return (row["finished"], row["lost"]) if row else (0, 0)


def _row(row: Record) -> PromotionRow:
    return PromotionRow(
        **{
            **dict(row),
            "plan": Plan.model_validate(row["plan"]),
            "state": PromotionState(row["state"]),
        }
    )
