"""How budgets stand, and what is said to somebody whose budget is used up."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Final

from auth.budget import NO_BUDGET, Budget
from core.clock import Clock
from core.errors import BudgetExhausted
from core.postgres import Postgres, Record
from gateway.usage.tables import BudgetStatus, GroupUsage, Period

# Days stay as long as a report may ask for them, months a little longer.
KEPT_DAYS: Final = 62
KEPT_MONTHS: Final = 14

_STATUSES: Final = """
WITH subjects AS (
    SELECT 1 AS rank, id AS subject, NULL::text AS key_id, NULL::text AS key_name, NULL::text AS group_name,
        NULL::timestamptz AS made, coalesce(tokens_per_day, $2) AS day,
        coalesce(tokens_per_month, $3) AS month
    FROM users WHERE id = $1
    UNION ALL
    SELECT 2, g.id, NULL, NULL, g.name, NULL, g.tokens_per_day, g.tokens_per_month
    FROM users u JOIN groups g ON g.id = u.group_id WHERE u.id = $1
    UNION ALL
    SELECT 3, id, id, name, NULL, created_at, tokens_per_day, tokens_per_month FROM api_keys
    WHERE user_id = $1 AND revoked_at IS NULL AND ($4::text IS NULL OR id = $4)
        AND (tokens_per_day IS NOT NULL OR tokens_per_month IS NOT NULL)
)
SELECT s.key_id, s.key_name, s.group_name, p.period, p.most, coalesce(u.used, 0) AS used,
    coalesce(u.reserved, 0) AS reserved, p.ends_on
FROM subjects s
CROSS JOIN LATERAL (VALUES
    ('day', s.day, (now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + 1),
    ('month', s.month, date_trunc('month', now() AT TIME ZONE 'UTC')::date,
        (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month')::date)
) AS p(period, most, starts_on, ends_on)
LEFT JOIN usage_periods u
    ON u.subject = s.subject AND u.period = p.period AND u.starts_on = p.starts_on
WHERE p.most IS NOT NULL
ORDER BY s.rank, s.made, s.key_id, p.period
"""

_GROUPS: Final = """
SELECT g.id, p.period, p.most, coalesce(u.used, 0) AS used, coalesce(u.reserved, 0) AS reserved
FROM groups g
CROSS JOIN LATERAL (VALUES
    ('day', g.tokens_per_day, (now() AT TIME ZONE 'UTC')::date),
    ('month', g.tokens_per_month, date_trunc('month', now() AT TIME ZONE 'UTC')::date)
) AS p(period, most, starts_on)
LEFT JOIN usage_periods u ON u.subject = g.id AND u.period = p.period AND u.starts_on = p.starts_on
ORDER BY lower(g.name), p.period
"""


class Budgets:
    """Reads budgets; what changes them is in gateway.usage.repository.

    Args:
        default_budget: what a person may use who was given no budget.
    """

    def __init__(self, postgres: Postgres, clock: Clock, *, default_budget: Budget = NO_BUDGET) -> None:
        self._postgres = postgres
        self._clock = clock
        self._default = default_budget

    async def of(self, user_id: str, *, key_id: str | None = None) -> Sequence[BudgetStatus]:
        """A person's own budgets, their group's, then those of their keys (of one, where it is named)."""
        rows = await self._postgres.fetch(_STATUSES, user_id, self._default.day, self._default.month, key_id)
        return [_status(row) for row in rows]

    async def concerning(self, user_id: str, key_id: str | None) -> Sequence[BudgetStatus]:
        """The budgets that a request with this key, or with none, counts in."""
        return [
            status
            for status in await self.of(user_id, key_id=key_id)
            if status.key_id is None or status.key_id == key_id
        ]

    async def of_groups(self) -> Sequence[GroupUsage]:
        """What the groups use this day and this month, by name."""
        return [
            GroupUsage(row["id"], Period(row["period"]), row["most"], row["used"], row["reserved"])
            for row in await self._postgres.fetch(_GROUPS)
        ]

    def refusal(self, statuses: Sequence[BudgetStatus], wanted: int) -> BudgetExhausted:
        """What to raise when `wanted` tokens did not fit into these budgets."""
        short = [status for status in statuses if status.remaining < wanted]
        if not short:
            # What held it has been given back in this very moment.
            return BudgetExhausted(retry_after=1)
        # Of several that are short, the one that is free last decides when to come back.
        status = max(short, key=lambda status: status.resets_at)
        seconds = max(1.0, (status.resets_at - self._clock.now()).total_seconds())
        whose = "You have"
        if status.key_id is not None:
            whose = "This API key has"
        elif status.group_name is not None:
            whose = f"Your group {status.group_name} has"
        when = "today" if status.period is Period.DAY else "this month"
        reset = status.resets_at.strftime("%Y-%m-%d %H:%M UTC")
        return BudgetExhausted(
            f"{whose} {status.remaining:,} of {status.limit:,} tokens left {when}, and this may need "
            f"{wanted:,}. The budget is full again at {reset}.",
            retry_after=seconds,
            extras={
                "limit": status.limit,
                "used": status.used,
                "reserved": status.reserved,
                "period": status.period.value,
                "resets_at": status.resets_at.isoformat().replace("+00:00", "Z"),
            },
        )

    async def purge(self) -> None:
        """Forget periods that nobody asks for any more."""
        await self._postgres.execute(
            "DELETE FROM usage_periods WHERE starts_on < (now() - make_interval(months => $2))::date "
            "OR (period = 'day' AND starts_on < (now() - make_interval(days => $1))::date)",
            KEPT_DAYS,
            KEPT_MONTHS,
        )


def _status(row: Record) -> BudgetStatus:
    ends: date = row["ends_on"]
    return BudgetStatus(
        key_id=row["key_id"],
        key_name=row["key_name"],
        group_name=row["group_name"],
        period=Period(row["period"]),
        limit=row["most"],
        used=row["used"],
        reserved=row["reserved"],
        resets_at=datetime.combine(ends, time(), tzinfo=UTC),
    )
