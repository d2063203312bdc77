"""The only queries that write ledger_entries, and with them what each person, group and key has used.

Whatever changes `usage_periods` does so in one statement, its rows in order of their key: so two transactions
that touch the same people never wait for each other in a circle. All that a person does meets in these rows:
callers with a transaction of their own do this last in it.
"""

from collections.abc import Sequence
from typing import Final

from auth.budget import NO_BUDGET, Budget
from core.errors import BudgetExhausted, Conflict
from core.ids import new_id
from core.postgres import Connection, Postgres
from gateway.usage.tables import DailyUsage, Entry, Kind, Outcome, Tokens, finished_of

# A reservation that nobody renews for this long is given back: whoever held it is gone.
HOLD_SECONDS: Final = 120.0

# The periods that an entry counts in.
_PERIODS: Final = """
CROSS JOIN LATERAL (VALUES
    ('day', date_trunc('day', c.created_at AT TIME ZONE 'UTC')::date),
    ('month', date_trunc('month', c.created_at AT TIME ZONE 'UTC')::date)) AS p(period, starts_on)
"""

# Whose budgets an entry counts in. Somebody whose account is gone has none.
_SUBJECTS: Final = "CROSS JOIN LATERAL (VALUES (c.user_id), (c.group_id), (c.key_id)) AS s(subject)"

# What closed and opened entries change; `changes` has user_id, group_id, key_id, created_at, used and
# given_back.
COUNT_CHANGES: Final = f"""
INSERT INTO usage_periods AS u (subject, period, starts_on, used, reserved)
SELECT s.subject, p.period, p.starts_on, sum(c.used), -sum(c.given_back)
FROM changes c {_SUBJECTS} {_PERIODS}
WHERE s.subject IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (subject, period, starts_on)
    DO UPDATE SET used = u.used + excluded.used, reserved = u.reserved + excluded.reserved
"""  # noqa: S608 - made of constants

# The limit is looked at while the row is locked: whoever comes second sees what the first one holds.
_RESERVE: Final = f"""
WITH subjects AS (
    SELECT id AS subject, coalesce(tokens_per_day, $8) AS day, coalesce(tokens_per_month, $9) AS month
    FROM users WHERE id = $2
    UNION ALL
    SELECT g.id, g.tokens_per_day, g.tokens_per_month
    FROM users u JOIN groups g ON g.id = u.group_id WHERE u.id = $2
    UNION ALL
    SELECT id, tokens_per_day, tokens_per_month FROM api_keys WHERE id = $3
), wanted AS (
    SELECT c.subject, p.period, p.starts_on, CASE p.period WHEN 'day' THEN c.day ELSE c.month END AS most
    FROM (SELECT *, now() AS created_at FROM subjects) c {_PERIODS}
    WHERE NOT EXISTS (
        SELECT FROM ledger_entries WHERE kind = $4 AND reference = $5
            AND (state <> 'lapsed' OR prompt_tokens + completion_tokens > 0))
), held AS (
    INSERT INTO usage_periods AS u (subject, period, starts_on, reserved)
    SELECT subject, period, starts_on, $10::bigint FROM wanted
    WHERE most IS NULL OR $10::bigint <= most
    ORDER BY subject, period, starts_on
    ON CONFLICT (subject, period, starts_on) DO UPDATE SET reserved = u.reserved + excluded.reserved
        WHERE u.used + u.reserved + excluded.reserved <= coalesce(
            (SELECT w.most FROM wanted w WHERE w.subject = u.subject AND w.period = u.period),
            9223372036854775807)
    RETURNING 1
), opened AS (
    INSERT INTO ledger_entries
        (id, user_id, group_id, key_id, kind, reference, model, revision, state, reserved_tokens, expires_at)
    SELECT $1, $2, (SELECT group_id FROM users WHERE id = $2), (SELECT id FROM api_keys WHERE id = $3),
        $4, $5, $6, $7, 'reserved', $10::bigint,
        now() + make_interval(secs => $11::double precision)
    -- One that was given back is tried once more; what it cost so far stands in its overhead.
    ON CONFLICT (kind, reference) DO UPDATE SET state = 'reserved', outcome = NULL, settled_at = NULL,
            model = excluded.model, revision = excluded.revision, created_at = now(),
            reserved_tokens = excluded.reserved_tokens, expires_at = excluded.expires_at
        WHERE ledger_entries.state = 'lapsed'
            AND ledger_entries.prompt_tokens + ledger_entries.completion_tokens = 0
    RETURNING 1
)
SELECT (SELECT count(*) FROM wanted) AS wanted, (SELECT count(*) FROM held) AS held,
    (SELECT count(*) FROM opened) AS opened
"""  # noqa: S608 - made of constants

_SETTLE: Final = f"""
WITH changes AS (
    UPDATE ledger_entries SET state = 'settled', outcome = $3, prompt_tokens = $4, completion_tokens = $5,
        exact = $6, finished_prompt_tokens = $7, finished_completion_tokens = $8, settled_at = now(),
        model = coalesce($9, model), revision = coalesce($10, revision)
    WHERE kind = $1 AND reference = $2 AND state = 'reserved'
    RETURNING user_id, group_id, key_id, created_at, prompt_tokens + completion_tokens AS used,
        reserved_tokens AS given_back
)
{COUNT_CHANGES}
"""  # noqa: S608 - made of constants

_BOOK: Final = f"""
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::int[], $10::int[], $11::bool[], $12::int[], $13::int[], $14::timestamptz[])
        AS e(id, user_id, key_id, kind, reference, model, revision, outcome, prompt_tokens,
             completion_tokens, exact, finished_prompt, finished_completion, created_at)
), locked AS (
    -- Seen as they are once they are ours: the sweep may just have given one back.
    SELECT l.id, l.state, l.prompt_tokens + l.completion_tokens AS charged, e.model, e.revision, e.outcome,
        e.prompt_tokens, e.completion_tokens, e.exact, e.finished_prompt, e.finished_completion
    FROM ledger_entries l JOIN given e ON l.kind = e.kind AND l.reference = e.reference
    -- What an engine's record has said of a lapsed one is better than what is left in a journal. A job is
    -- booked from its result; the record is of an attempt that failed.
    WHERE l.state = 'reserved' OR (l.state = 'lapsed' AND (l.kind = 'job' OR NOT l.exact))
    ORDER BY l.id FOR UPDATE OF l
), closed AS (
    -- Another model may have answered than the one it was reserved for.
    UPDATE ledger_entries l SET state = 'settled', model = k.model, revision = k.revision,
        outcome = k.outcome, prompt_tokens = k.prompt_tokens,
        completion_tokens = k.completion_tokens, exact = k.exact,
        finished_prompt_tokens = k.finished_prompt, finished_completion_tokens = k.finished_completion,
        settled_at = now()
    FROM locked k WHERE l.id = k.id
    RETURNING l.user_id, l.group_id, l.key_id, l.created_at,
        l.prompt_tokens + l.completion_tokens - k.charged AS used,
        CASE k.state WHEN 'reserved' THEN l.reserved_tokens ELSE 0 END AS given_back
), added AS (
    INSERT INTO ledger_entries (id, user_id, group_id, key_id, kind, reference, model, revision, state,
        outcome, prompt_tokens, completion_tokens, exact, finished_prompt_tokens, finished_completion_tokens,
        created_at, settled_at)
    SELECT e.id, u.id, u.group_id, k.id, e.kind, e.reference, e.model, e.revision, 'settled', e.outcome,
        e.prompt_tokens, e.completion_tokens, e.exact, e.finished_prompt, e.finished_completion,
        e.created_at, now()
    -- Whoever is gone by now has used it all the same.
    FROM given e LEFT JOIN users u ON u.id = e.user_id LEFT JOIN api_keys k ON k.id = e.key_id
    ON CONFLICT (kind, reference) DO NOTHING
    RETURNING user_id, group_id, key_id, created_at, prompt_tokens + completion_tokens AS used,
        0 AS given_back
), changes AS (SELECT * FROM closed UNION ALL SELECT * FROM added)
{COUNT_CHANGES}
"""  # noqa: S608 - made of constants

_RELEASE: Final = f"""
WITH changes AS (
    DELETE FROM ledger_entries WHERE kind = $1 AND reference = ANY($2::text[]) AND state = 'reserved'
    RETURNING user_id, group_id, key_id, created_at, 0 AS used, reserved_tokens AS given_back
)
{COUNT_CHANGES}
"""  # noqa: S608 - made of constants

# Nobody waits for it any more: it holds nothing, and an engine's record may still say what was done.
_LAPSED: Final = """
UPDATE ledger_entries SET state = 'lapsed', outcome = 'failed', exact = false, settled_at = now()
WHERE {which}
RETURNING user_id, group_id, key_id, created_at, 0 AS used, reserved_tokens AS given_back
"""
_NOT_RENEWED: Final = _LAPSED.format(
    which="""id = ANY(ARRAY(
        SELECT id FROM ledger_entries WHERE state = 'reserved' AND expires_at < now()
        ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))"""
)
_LET_GO: Final = _LAPSED.format(which="kind = $1 AND reference = $2 AND state = 'reserved'")

_LAPSE: Final = f"""
WITH changes AS ({_NOT_RENEWED}), counted AS ({COUNT_CHANGES} RETURNING 1)
SELECT count(*) FROM changes
"""  # noqa: S608 - made of constants

_GIVE_BACK: Final = f"WITH changes AS ({_LET_GO}) {COUNT_CHANGES}"


class LedgerRepository:
    """Reservations and settlements.

    Args:
        default_budget: what a person may use who was given no budget.
    """

    def __init__(self, postgres: Postgres, *, default_budget: Budget = NO_BUDGET) -> None:
        self._postgres = postgres
        self._default = default_budget

    async def reserve(
        self,
        connection: Connection,
        *,
        user_id: str,
        kind: Kind,
        reference: str,
        model: str,
        revision: str,
        tokens: int,
        key_id: str | None = None,
        expires: bool = False,
    ) -> None:
        """Open an entry inside the caller's transaction and hold `tokens` of every budget it counts in.

        One that is open already stays as it is.

        Args:
            tokens: the prompt's and the most that the answer may have.
            expires: whether the reservation has to be renewed (`renew`), else it is given back.

        Raises: core.errors.BudgetExhausted when one of the budgets has less left: the transaction must then
        be rolled back, which its `async with` does; core.errors.Conflict when two open the same entry.
        """
        row = await connection.fetchrow(
            _RESERVE,
            new_id("led"),
            user_id,
            key_id,
            kind.value,
            reference,
            model,
            revision,
            self._default.day,
            self._default.month,
            tokens,
            HOLD_SECONDS if expires else None,
        )
        if row is None or row["held"] < row["wanted"]:
            raise BudgetExhausted()
        if row["wanted"] and not row["opened"]:
            raise Conflict("This is being worked on already.")

    async def settle(
        self,
        connection: Connection,
        *,
        kind: Kind,
        reference: str,
        outcome: Outcome,
        tokens: Tokens,
        finished: Tokens | None = None,
        model: str | None = None,
        revision: str | None = None,
    ) -> None:
        """Close an entry inside the caller's transaction: give back what it holds and count what was used, in
        the day and month in which it was opened. A settled one stays as it is.

        Args:
            tokens: what is charged.
            finished: what the engine's request that came to its own end did; the others, which were cut off,
                the engine reports by itself. Left out: `tokens` of a completed one, nothing of any other.
            model, revision: who answered, where that is not who was to answer when it was reserved.
        """
        ended = finished or finished_of(outcome, tokens)
        await connection.execute(
            _SETTLE,
            kind.value,
            reference,
            outcome.value,
            tokens.prompt,
            tokens.completion,
            tokens.exact,
            ended.prompt,
            ended.completion,
            model,
            revision,
        )

    async def charge(self, connection: Connection, entry: Entry) -> None:
        """Book a settled entry inside the caller's transaction."""
        await connection.execute(_BOOK, *_columns([entry]))

    async def book(self, entries: Sequence[Entry]) -> None:
        """Write settled entries at once, closing those that were reserved; settled ones are left alone."""
        await self._postgres.execute(_BOOK, *_columns(entries))

    async def release(self, kind: Kind, references: Sequence[str]) -> None:
        """Forget reservations of requests that never reached an engine; settled ones stay."""
        await self._postgres.execute(_RELEASE, kind.value, list(references))

    async def give_back(self, connection: Connection, kind: Kind, reference: str) -> None:
        """Let go of what an entry holds, inside the caller's transaction, as if nobody had renewed it: what
        an engine recorded of it is still brought into it."""
        await connection.execute(_GIVE_BACK, kind.value, reference)

    async def renew(self, kind: Kind, references: Sequence[str]) -> None:
        """Keep reservations for another HOLD_SECONDS."""
        await self._postgres.execute(
            "UPDATE ledger_entries SET expires_at = now() + make_interval(secs => $3) "
            "WHERE kind = $1 AND reference = ANY($2::text[]) AND state = 'reserved'",
            kind.value,
            list(references),
            HOLD_SECONDS,
        )

    async def lapse(self, limit: int = 500) -> int:
        """Give back reservations that nobody renewed; says how many."""
        count: int = await self._postgres.fetchval(_LAPSE, limit)
        return count

    async def by_day(self, user_id: str, days: int) -> Sequence[DailyUsage]:
        """One person's usage of the last `days` days, newest first."""
        rows = await self._postgres.fetch(
            "SELECT to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, l.model, l.key_id, "
            "k.name AS key_name, sum(prompt_tokens)::bigint AS prompt, "
            "sum(completion_tokens)::bigint AS completion, count(*) AS requests "
            "FROM ledger_entries l LEFT JOIN api_keys k ON k.id = l.key_id "
            "WHERE l.user_id = $1 AND l.state <> 'reserved' "
            "AND l.created_at >= now() - make_interval(days => $2) "
            "GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 2, 3 NULLS FIRST",
            user_id,
            days,
        )
        return [
            DailyUsage(
                row["day"],
                row["model"],
                row["key_id"],
                row["key_name"],
                row["prompt"],
                row["completion"],
                row["requests"],
            )
            for row in rows
        ]


def _columns(entries: Sequence[Entry]) -> list[list[object]]:
    return [
        [entry.id for entry in entries],
        [entry.user_id for entry in entries],
        [entry.key_id for entry in entries],
        [entry.kind.value for entry in entries],
        [entry.reference for entry in entries],
        [entry.model for entry in entries],
        [entry.revision for entry in entries],
        [entry.outcome.value for entry in entries],
        [entry.tokens.prompt for entry in entries],
        [entry.tokens.completion for entry in entries],
        [entry.tokens.exact for entry in entries],
        [entry.finished.prompt for entry in entries],
        [entry.finished.completion for entry in entries],
        [entry.created_at for entry in entries],
    ]
