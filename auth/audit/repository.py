"""The SQL of the audit log."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from auth.audit.tables import AUDIT_COLUMNS, GENESIS, AuditRow, Outcome, chained
from core.postgres import Connection, Postgres

# One writer at a time: each row needs the hash of the one before it.
_LOCK: Final = 0x6875_7564
READ_BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row: its number, from 1, and its hash."""

    number: int
    hash: bytes


EMPTY: Final = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody looks for; None is any."""

    actor: str | None = None
    target: str | None = None
    action: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRepository:
    """Adds and reads events."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(
        self,
        at: datetime,
        action: str,
        outcome: Outcome,
        *,
        actor: str | None,
        target: str | None,
        address: str | None,
        request_id: str | None,
        detail: Mapping[str, Any],
    ) -> Head:
        """One more event; the new head."""
        async with self._postgres.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            head = await self._head(connection)
            number = head.number + 1
            texts = (actor, target, address, request_id)
            digest = chained(head.hash, number, at, action, outcome, texts, detail)
            await connection.execute(
                f"INSERT INTO audit_events ({AUDIT_COLUMNS}) "  # noqa: S608
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                number,
                at,
                action,
                outcome,
                *texts,
                dict(detail),
                head.hash,
                digest,
            )
        return Head(number, digest)

    async def head(self) -> Head:
        """The newest row, or EMPTY."""
        async with self._postgres.connection() as connection:
            return await self._head(connection)

    async def _head(self, connection: Connection) -> Head:
        row = await connection.fetchrow("SELECT number, hash FROM audit_events ORDER BY number DESC LIMIT 1")
        return Head(row["number"], bytes(row["hash"])) if row else EMPTY

    async def page(self, wanted: Wanted, *, before: int | None, limit: int) -> list[AuditRow]:
        """Events that fit, newest first, below the number `before`."""
        rows = await self._postgres.fetch(
            f"SELECT {AUDIT_COLUMNS} FROM audit_events WHERE ($1::bigint IS NULL OR number < $1) "  # noqa: S608
            "AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR target = $3) "
            "AND ($4::text IS NULL OR action = $4 OR action LIKE $4 || '.%') "
            "AND ($5::text IS NULL OR outcome = $5) "
            "AND ($6::timestamptz IS NULL OR at >= $6) AND ($7::timestamptz IS NULL OR at < $7) "
            "ORDER BY number DESC LIMIT $8",
            before,
            wanted.actor,
            wanted.target,
            wanted.action,
            wanted.outcome,
            wanted.since,
            wanted.until,
            limit,
        )
        return [AuditRow.of(row) for row in rows]

    async def oldest_first(self) -> AsyncIterator[AuditRow]:
        """Every event, READ_BATCH at a time."""
        after = 0
        while True:
            rows = await self._postgres.fetch(
                f"SELECT {AUDIT_COLUMNS} FROM audit_events WHERE number > $1 ORDER BY number LIMIT $2",  # noqa: S608
                after,
                READ_BATCH,
            )
            for row in rows:
                yield AuditRow.of(row)
            if len(rows) < READ_BATCH:
                return
            after = rows[-1]["number"]
