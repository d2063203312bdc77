"""The only queries of ledger_entries."""

from collections.abc import Sequence

from core.ids import new_id
from core.postgres import Connection, Postgres
from gateway.usage.tables import DailyUsage, Entry, Kind, Outcome, Tokens

_BOOK = """
INSERT INTO ledger_entries (id, user_id, key_id, kind, reference, model, revision, state, outcome,
    prompt_tokens, completion_tokens, exact, settled_at)
SELECT e.id, e.user_id, k.id, e.kind, e.reference, e.model, e.revision, 'settled', e.outcome,
    e.prompt_tokens, e.completion_tokens, e.exact, now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::int[], $10::int[], $11::bool[])
    AS e(id, user_id, key_id, kind, reference, model, revision, outcome,
         prompt_tokens, completion_tokens, exact)
JOIN users u ON u.id = e.user_id
LEFT JOIN api_keys k ON k.id = e.key_id
ON CONFLICT (kind, reference) DO NOTHING
"""


class LedgerRepository:
    """Reservations and settlements."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def reserve(
        self, connection: Connection, *, user_id: str, kind: Kind, reference: str, model: str, revision: str
    ) -> None:
        """Open an entry inside the caller's transaction."""
        await connection.execute(
            "INSERT INTO ledger_entries (id, user_id, kind, reference, model, revision, state) "
            "VALUES ($1, $2, $3, $4, $5, $6, 'reserved') ON CONFLICT (kind, reference) DO NOTHING",
            new_id("led"),
            user_id,
            kind.value,
            reference,
            model,
            revision,
        )

    async def settle(
        self, connection: Connection, *, kind: Kind, reference: str, outcome: Outcome, tokens: Tokens
    ) -> None:
        """Close an entry inside the caller's transaction; a settled one stays as it is."""
        await connection.execute(
            "UPDATE ledger_entries SET state = 'settled', outcome = $3, prompt_tokens = $4, "
            "completion_tokens = $5, exact = $6, settled_at = now() "
            "WHERE kind = $1 AND reference = $2 AND state = 'reserved'",
            kind.value,
            reference,
            outcome.value,
            tokens.prompt,
            tokens.completion,
            tokens.exact,
        )

    async def book(self, entries: Sequence[Entry]) -> None:
        """Write settled entries at once; those that are there already are left alone."""
        await self._postgres.execute(
            _BOOK,
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
        )

    async def by_day(self, user_id: str, days: int) -> Sequence[DailyUsage]:
        """One person's usage of the last `days` days, newest first."""
        rows = await self._postgres.fetch(
            "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, model, "
            "sum(prompt_tokens)::bigint AS prompt, sum(completion_tokens)::bigint AS completion, "
            "count(*) AS requests FROM ledger_entries "
            "WHERE user_id = $1 AND state = 'settled' AND created_at >= now() - make_interval(days => $2) "
            "GROUP BY 1, 2 ORDER BY 1 DESC, 2",
            user_id,
            days,
        )
        return [
            DailyUsage(row["day"], row["model"], row["prompt"], row["completion"], row["requests"])
            for row in rows
        ]
