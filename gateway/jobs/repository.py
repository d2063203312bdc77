"""The only queries of jobs and of the outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.ids import new_id
from core.postgres import Connection, Postgres, Record
from gateway.jobs.messages import JobMessage, headers_of, payload_of
from gateway.jobs.tables import JobRow, JobStatusRow, OutboxRow

_STATUS = (
    "SELECT id, user_id, kind, state, payload ->> 'conversation_id' AS conversation_id, attempts, error, "
    "created_at, updated_at FROM jobs "
)


class JobRepository:
    """Jobs from their row to their end.

    Args:
        topic: where messages about jobs go.
        lease_seconds: how long a claim holds without being renewed.
    """

    def __init__(self, postgres: Postgres, *, topic: str, lease_seconds: float) -> None:
        self._postgres = postgres
        self._topic = topic
        self._lease_seconds = lease_seconds

    async def enqueue(
        self,
        connection: Connection,
        *,
        kind: str,
        user_id: str,
        idempotency_key: str,
        payload: Mapping[str, Any],
        traceparent: str,
        job_id: str | None = None,
    ) -> str | None:
        """A job and its message, inside the caller's transaction.

        None when the key or the id was used before, and when one of a kind that is done one at a time is
        open.
        """
        job_id = await connection.fetchval(
            "INSERT INTO jobs (id, kind, user_id, idempotency_key, payload, traceparent) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id",
            job_id or new_id("job"),
            kind,
            user_id,
            idempotency_key,
            dict(payload),
            traceparent,
        )
        if job_id is not None:
            await self._leave_message(connection, job_id, kind, idempotency_key, traceparent)
        return job_id

    async def get(self, user_id: str, job_id: str) -> JobStatusRow | None:
        """One job of a person, or None when there is none or it is somebody else's."""
        row = await self._postgres.fetchrow(_STATUS + "WHERE id = $1 AND user_id = $2", job_id, user_id)
        return JobStatusRow(**dict(row)) if row else None

    async def page(
        self, user_id: str, limit: int, before: tuple[datetime, str] | None
    ) -> Sequence[JobStatusRow]:
        """A person's jobs, newest first, from `before` (time and id of the last one seen) on."""
        rows = await self._postgres.fetch(
            _STATUS + "WHERE user_id = $1 AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4)) "
            "ORDER BY created_at DESC, id DESC LIMIT $2",
            user_id,
            limit,
            before[0] if before else None,
            before[1] if before else None,
        )
        return [JobStatusRow(**dict(row)) for row in rows]

    async def claim(self, job_id: str) -> JobRow | None:
        """Take the job if it is open and nobody holds it."""
        row = await self._postgres.fetchrow(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = fence + 1, "
            "lease_until = now() + make_interval(secs => $2), updated_at = now() "
            "WHERE id = $1 AND state IN ('queued', 'running') AND due_at <= now() "
            "AND (lease_until IS NULL OR lease_until < now()) "
            "RETURNING id, kind, user_id, payload, traceparent, attempts, fence",
            job_id,
            self._lease_seconds,
        )
        return JobRow(**dict(row)) if row else None

    async def finish(
        self, connection: Connection, job: JobRow, *, result: Mapping[str, Any] | None, error: str | None
    ) -> bool:
        """End the job inside the caller's transaction; says False when the claim was lost."""
        tag = await connection.execute(
            "UPDATE jobs SET state = $3, result = $4, error = $5, lease_until = NULL, updated_at = now() "
            "WHERE id = $1 AND fence = $2 AND state = 'running'",
            job.id,
            job.fence,
            "failed" if error else "succeeded",
            dict(result) if result is not None else None,
            error,
        )
        return tag != "UPDATE 0"

    async def postpone(self, job: JobRow, *, seconds: float, error: str) -> None:
        """Try again later."""
        await self._postgres.execute(
            "UPDATE jobs SET state = 'queued', due_at = now() + make_interval(secs => $3), error = $4, "
            "lease_until = NULL, updated_at = now() WHERE id = $1 AND fence = $2 AND state = 'running'",
            job.id,
            job.fence,
            seconds,
            error,
        )

    async def republish(self, *, silent_seconds: float, limit: int = 200) -> int:
        """Leave messages for open, due, unclaimed jobs that were postponed, or of which nothing was heard
        for a while."""
        async with self._postgres.transaction() as connection:
            rows: Sequence[Record] = await connection.fetch(
                "UPDATE jobs SET published_at = now() WHERE id = ANY(ARRAY(SELECT id FROM jobs "
                "WHERE state IN ('queued', 'running') AND due_at <= now() "
                "AND (lease_until IS NULL OR lease_until < now()) "
                # A postponed one, at its time; any other, when it seems to be forgotten.
                "AND (published_at < due_at OR greatest(coalesce(published_at, created_at), due_at) "
                "< now() - make_interval(secs => $1)) "
                "ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)) "
                "RETURNING id, kind, idempotency_key, traceparent",
                silent_seconds,
                limit,
            )
            for row in rows:
                await self._leave_message(
                    connection, row["id"], row["kind"], row["idempotency_key"], row["traceparent"]
                )
            return len(rows)

    async def unsent(self, connection: Connection, limit: int) -> Sequence[OutboxRow]:
        """The oldest messages that Kafka does not have, locked for the caller's transaction."""
        rows: Sequence[Record] = await connection.fetch(
            "SELECT id, topic, key, headers, payload FROM outbox WHERE sent_at IS NULL "
            "ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
            limit,
        )
        return [OutboxRow(**dict(row)) for row in rows]

    async def mark_sent(self, connection: Connection, rows: Sequence[OutboxRow]) -> None:
        """Kafka has these."""
        await connection.execute(
            "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])", [row.id for row in rows]
        )
        await connection.execute(
            "UPDATE jobs SET published_at = now() WHERE id = ANY($1::text[])", [row.key for row in rows]
        )

    async def forget_sent(self, *, older_than_seconds: float) -> None:
        """Sent messages are kept a while, for whoever wants to look, and then deleted."""
        await self._postgres.execute(
            "DELETE FROM outbox WHERE sent_at < now() - make_interval(secs => $1)", older_than_seconds
        )

    async def _leave_message(
        self, connection: Connection, job_id: str, kind: str, idempotency_key: str, traceparent: str
    ) -> None:
        await connection.execute(
            "INSERT INTO outbox (topic, key, headers, payload) VALUES ($1, $2, $3, $4)",
            self._topic,
            job_id,
            headers_of(idempotency_key=idempotency_key, traceparent=traceparent),
            payload_of(JobMessage(job_id=job_id, kind=kind)),
        )
