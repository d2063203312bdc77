"""The queries that bring the ledger and the engines' own figures together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.postgres import Postgres
from gateway.usage.engines import CutOff, ReplicaCounters
from gateway.usage.repository import COUNT_CHANGES

BATCH: Final = 500
# Longer than any turn may take, with its takeovers.
LOOK_BACK_HOURS: Final = 6
KEPT_RECORD_DAYS: Final = 7

_COUNTERS: Final = """
INSERT INTO engine_counters AS c
    (replica, model, revision, requests, prompt_tokens, completion_tokens, started_at)
SELECT replica, model, revision, requests, prompt, completion, to_timestamp(started)
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::float8[])
    AS r(replica, model, revision, requests, prompt, completion, started)
ORDER BY 1
ON CONFLICT (replica) DO UPDATE SET requests = excluded.requests, prompt_tokens = excluded.prompt_tokens,
    completion_tokens = excluded.completion_tokens, seen_at = now()
    WHERE excluded.requests > c.requests
"""

_RECORDS: Final = """
INSERT INTO engine_records (replica, number, reference, prompt_tokens, completion_tokens, exact)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[], $5::int[], $6::bool[])
ON CONFLICT DO NOTHING
"""

# An estimate becomes what the engine says; of a turn or a job, which may have been continued elsewhere, no
# more than the estimate. What goes beyond the charge is overhead.
_APPLY: Final = f"""
WITH due AS (
    SELECT l.id FROM engine_records r JOIN ledger_entries l ON l.reference = r.reference
        AND l.kind = CASE left(r.reference, 4) WHEN 'trn_' THEN 'turn' WHEN 'api_' THEN 'api'
            WHEN 'shd_' THEN 'shadow' ELSE 'job' END
    WHERE r.applied_at IS NULL AND r.seen_at > now() - make_interval(hours => $2) AND l.state <> 'reserved'
    ORDER BY l.id LIMIT $1
), entries AS (
    SELECT * FROM ledger_entries WHERE id IN (SELECT id FROM due) ORDER BY id FOR UPDATE
), made AS (
    SELECT e.id, e.kind, e.exact AS was_exact, e.prompt_tokens AS charged_prompt,
        e.completion_tokens AS charged_completion, r.exact,
        least(e.finished_prompt_tokens + r.prompt, 2147483647) AS prompt,
        least(e.finished_completion_tokens + r.completion, 2147483647) AS completion
    FROM entries e CROSS JOIN LATERAL (
        SELECT bool_and(exact) AS exact, sum(prompt_tokens)::bigint AS prompt,
            sum(completion_tokens)::bigint AS completion
        FROM engine_records WHERE reference = e.reference) r
), charged AS (
    SELECT *,
        CASE WHEN was_exact OR NOT exact THEN charged_prompt
            WHEN kind IN ('api', 'shadow') THEN prompt ELSE least(prompt, charged_prompt) END AS new_prompt,
        CASE WHEN was_exact THEN charged_completion
            WHEN NOT exact THEN greatest(charged_completion,
                CASE WHEN kind IN ('api', 'shadow') THEN completion ELSE 0 END)
            WHEN kind IN ('api', 'shadow') THEN completion
            ELSE least(completion, charged_completion) END AS new_completion
    FROM made
), changes AS (
    UPDATE ledger_entries l SET prompt_tokens = c.new_prompt, completion_tokens = c.new_completion,
        exact = c.was_exact OR c.exact,
        overhead_prompt_tokens = greatest(c.prompt - c.new_prompt, 0),
        overhead_completion_tokens = greatest(c.completion - c.new_completion, 0)
    FROM charged c WHERE l.id = c.id
    RETURNING l.user_id, l.group_id, l.key_id, l.created_at, 0 AS given_back,
        c.new_prompt + c.new_completion - c.charged_prompt - c.charged_completion AS used
), counted AS ({COUNT_CHANGES} RETURNING 1), applied AS (
    UPDATE engine_records SET applied_at = now()
    WHERE applied_at IS NULL AND reference IN (SELECT reference FROM entries)
)
SELECT count(*) FROM changes
"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Sums:
    """Tokens of one model. `estimated` are those among them that no engine has confirmed."""

    prompt: int = 0
    completion: int = 0
    estimated_prompt: int = 0
    estimated_completion: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.estimated_prompt + other.estimated_prompt,
            self.estimated_completion + other.estimated_completion,
        )


class Comparison:
    """Both sides of the books."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def store(self, replicas: Sequence[ReplicaCounters], records: Sequence[CutOff]) -> None:
        """Keep what was reported; what is known already changes nothing."""
        if replicas:
            await self._postgres.execute(
                _COUNTERS,
                [item.replica for item in replicas],
                [item.model for item in replicas],
                [item.revision for item in replicas],
                [item.requests for item in replicas],
                [item.prompt_tokens for item in replicas],
                [item.completion_tokens for item in replicas],
                [item.started_at for item in replicas],
            )
        if records:
            await self._postgres.execute(
                _RECORDS,
                [item.replica for item in records],
                [item.number for item in records],
                [item.reference for item in records],
                [item.prompt_tokens for item in records],
                [item.completion_tokens for item in records],
                [item.exact for item in records],
            )

    async def apply(self) -> int:
        """Bring what engines recorded into the entries that are settled; says how many changed."""
        count: int = await self._postgres.fetchval(_APPLY, BATCH, LOOK_BACK_HOURS)
        return count

    async def engines(self) -> Mapping[str, Sums]:
        """What the engines did, by model."""
        rows = await self._postgres.fetch(
            "SELECT model, sum(prompt_tokens)::bigint AS prompt, "
            "sum(completion_tokens)::bigint AS completion FROM engine_counters GROUP BY model"
        )
        return {row["model"]: Sums(row["prompt"], row["completion"]) for row in rows}

    async def since(self) -> datetime | None:
        """When the engines' figures began: before the first request that they hold."""
        first: datetime | None = await self._postgres.fetchval("SELECT min(started_at) FROM engine_counters")
        return first

    async def ledger(self, begin: datetime, end: datetime) -> Mapping[str, Sums]:
        """What was charged or is overhead, by model, of requests admitted from `begin` until before `end`."""
        rows = await self._postgres.fetch(
            "SELECT model, sum(prompt_tokens + overhead_prompt_tokens)::bigint AS prompt, "
            "sum(completion_tokens + overhead_completion_tokens)::bigint AS completion, "
            "coalesce(sum(prompt_tokens) FILTER (WHERE NOT exact), 0)::bigint AS estimated_prompt, "
            "coalesce(sum(completion_tokens) FILTER (WHERE NOT exact), 0)::bigint AS estimated_completion "
            "FROM ledger_entries WHERE created_at >= $1 AND created_at < $2 GROUP BY model",
            begin,
            end,
        )
        return {
            row["model"]: Sums(
                row["prompt"], row["completion"], row["estimated_prompt"], row["estimated_completion"]
            )
            for row in rows
        }

    async def purge(self) -> None:
        """Forget records whose day is long over."""
        await self._postgres.execute(
            "DELETE FROM engine_records WHERE seen_at < now() - make_interval(days => $1)", KEPT_RECORD_DAYS
        )
