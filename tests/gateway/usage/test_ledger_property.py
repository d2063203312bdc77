"""Whatever happens in whatever order: nobody overspends, and what is counted is what is in the ledger."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.budget import Budget
from core.errors import BudgetExhausted
from core.ids import new_id
from core.postgres import Postgres
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Kind, Outcome, Tokens

DAY, MONTH, KEY_DAY = 100, 150, 60

Step = tuple[str, int, int, bool]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "book", "release", "crash", "sweep", "late"]),
        st.integers(0, 9),
        st.integers(1, 70),
        st.booleans(),
    ),
    min_size=5,
    max_size=40,
)


@dataclass
class World:
    """A person with a key, and the requests that somebody believes to be open."""

    database: Postgres
    user_id: str
    key_id: str
    tokens: dict[str, int] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    # What was charged for requests whose reservation had been given back already.
    late: int = 0

    def __post_init__(self) -> None:
        self.ledger = LedgerRepository(self.database, default_budget=Budget(DAY, MONTH))

    async def reserve(self, tokens: int, *, with_key: bool) -> None:
        reference = new_id("api")
        with contextlib.suppress(BudgetExhausted):
            async with self.database.transaction() as connection:
                await self.ledger.reserve(
                    connection,
                    user_id=self.user_id,
                    key_id=self.key_id if with_key else None,
                    kind=Kind.API,
                    reference=reference,
                    model="m",
                    revision="r",
                    tokens=tokens,
                    expires=True,
                )
            self.tokens[reference] = tokens
            self.open.append(reference)

    async def book(self, reference: str, share: int) -> None:
        used = self.tokens[reference] * share // 9
        await self.ledger.book(
            [
                Entry(
                    id=new_id("led"),
                    user_id=self.user_id,
                    key_id=None,
                    kind=Kind.API,
                    reference=reference,
                    model="m",
                    revision="r",
                    outcome=Outcome.COMPLETED,
                    tokens=Tokens(used // 2, used - used // 2),
                )
            ]
        )

    async def take(self, step: Step) -> None:
        kind, pick, size, flag = step
        if kind == "reserve":
            # Several at once, which is where a budget could be overspent.
            await asyncio.gather(*(self.reserve(size, with_key=flag) for _ in range(1 + pick % 4)))
        elif kind == "sweep":
            await self.database.execute(
                "UPDATE ledger_entries SET expires_at = now() - interval '1 s' "
                "WHERE reference = ANY($1::text[]) AND state = 'reserved'",
                self.crashed,
            )
            await self.ledger.lapse()
        elif kind == "late" and self.crashed:
            # Believed dead, and then its booking comes: from its journal, or because it was only slow.
            reference = self.crashed.pop(pick % len(self.crashed))
            state = await self.database.fetchval(
                "SELECT state FROM ledger_entries WHERE reference = $1", reference
            )
            if state == "lapsed":
                self.late += self.tokens[reference] * pick // 9
            await self.book(reference, pick)
        elif self.open and kind in ("settle", "book", "release", "crash"):
            reference = self.open.pop(pick % len(self.open))
            if kind == "settle":
                async with self.database.transaction() as connection:
                    used = self.tokens[reference] * pick // 9
                    for _ in range(1 + flag):
                        await self.ledger.settle(
                            connection,
                            kind=Kind.API,
                            reference=reference,
                            outcome=Outcome.STOPPED,
                            tokens=Tokens(0, used),
                        )
            elif kind == "book":
                await asyncio.gather(*(self.book(reference, pick) for _ in range(1 + flag)))
            elif kind == "release":
                await self.ledger.release(Kind.API, [reference])
            else:
                self.crashed.append(reference)

    async def check(self) -> None:
        rows = await self.database.fetch(
            "SELECT subject, period, used, reserved FROM usage_periods WHERE subject IN ($1, $2)",
            self.user_id,
            self.key_id,
        )
        for subject, column in ((self.user_id, "user_id"), (self.key_id, "key_id")):
            truth = await self.database.fetchrow(
                "SELECT coalesce(sum(prompt_tokens + completion_tokens) "  # noqa: S608
                "FILTER (WHERE state <> 'reserved'), 0) AS used, coalesce(sum(reserved_tokens) "
                "FILTER (WHERE state = 'reserved'), 0) AS reserved "
                f"FROM ledger_entries WHERE {column} = $1",
                subject,
            )
            assert truth is not None
            for row in rows:
                if row["subject"] == subject:
                    assert (row["used"], row["reserved"]) == (truth["used"], truth["reserved"]), row
        for row in rows:
            most = KEY_DAY if row["subject"] == self.key_id else {"day": DAY, "month": MONTH}[row["period"]]
            if row["subject"] == self.user_id or row["period"] == "day":
                assert row["reserved"] >= 0
                assert row["used"] + row["reserved"] <= most + self.late


async def world(database: Postgres) -> World:
    user_id, key_id = new_id("usr"), new_id("key")
    await database.execute(
        "INSERT INTO users (id, email, email_normalised, name) VALUES ($1, $1, $1, 'Ada')", user_id
    )
    await database.execute(
        "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes, tokens_per_day) "
        "VALUES ($1, $2, 'k', 'hr-', $3, '{}', $4)",
        key_id,
        user_id,
        key_id.encode(),
        KEY_DAY,
    )
    return World(database, user_id, key_id)


async def _play(database: Postgres, steps: list[Step]) -> None:
    here = await world(database)
    for step in steps:
        await here.take(step)
        await here.check()


def test_random_histories_never_overspend_and_always_add_up(postgres_url: str) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(STEPS)
    def histories(steps: list[Step]) -> None:
        async def run() -> None:
            database = Postgres(postgres_url, size=6)
            await database.start()
            try:
                await _play(database, steps)
            finally:
                await database.stop()

        asyncio.run(run())

    # In a thread: the tests' own loop runs in this one.
    with ThreadPoolExecutor(1) as executor:
        executor.submit(histories).result(timeout=300)
