"""The ledger and the engines' own counters: what was cut off is put right, and a difference is shown."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from core.clock import SystemClock
from core.errors import Unavailable
from core.ids import new_id
from core.postgres import Postgres
from gateway.routing.fake import FakeControl
from gateway.usage.comparison import Comparison, Sums
from gateway.usage.engines import CutOff, EngineReport, ReplicaCounters
from gateway.usage.reconciler import LOOKS, LedgerReconciler
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Kind, Outcome, Tokens
from tests.gateway.client import Person

PREFIX = {Kind.TURN: "trn", Kind.API: "api", Kind.JOB: "job"}


async def booked(
    database: Postgres,
    person: Person,
    kind: Kind,
    outcome: Outcome,
    tokens: Tokens,
    reference: str | None = None,
) -> str:
    """A settled entry's reference."""
    reference = reference or new_id(PREFIX[kind])
    entry = Entry(
        id=new_id("led"),
        user_id=person.id,
        key_id=None,
        kind=kind,
        reference=reference,
        model="simulated",
        revision="r1",
        outcome=outcome,
        tokens=tokens,
    )
    await LedgerRepository(database).book([entry])
    return reference


def cut_off(reference: str, prompt: int, completion: int, *, exact: bool = True, number: int = 1) -> CutOff:
    return CutOff(f"replica-{reference}", number, reference, prompt, completion, exact)


async def charged(database: Postgres, reference: str) -> tuple[int, int, int, int, bool]:
    """Prompt, completion, overhead of each, and whether it is exact."""
    row = await database.fetchrow("SELECT * FROM ledger_entries WHERE reference = $1", reference)
    assert row is not None
    return (
        row["prompt_tokens"],
        row["completion_tokens"],
        row["overhead_prompt_tokens"],
        row["overhead_completion_tokens"],
        row["exact"],
    )


@pytest.mark.parametrize(
    ("kind", "outcome", "tokens", "records", "result"),
    [
        pytest.param(
            Kind.API,
            Outcome.DISCONNECTED,
            Tokens(5, 2, exact=False),
            [(7, 9, True)],
            (7, 9, 0, 0, True),
            id="an estimate of the API becomes what the engine made",
        ),
        pytest.param(
            Kind.API,
            Outcome.DISCONNECTED,
            Tokens(5, 2, exact=False),
            [(0, 4, False)],
            (5, 4, 0, 0, False),
            id="counted frames are at least what was made",
        ),
        pytest.param(
            Kind.API,
            Outcome.FAILED,
            Tokens(0, 0),
            [(7, 3, True)],
            (0, 0, 7, 3, True),
            id="an answer that never came is nobody's to pay",
        ),
        pytest.param(
            Kind.TURN,
            Outcome.STOPPED,
            Tokens(7, 8),
            [(7, 10, True)],
            (7, 8, 0, 2, True),
            id="made and not delivered before the stop arrived",
        ),
        pytest.param(
            Kind.TURN,
            Outcome.COMPLETED,
            Tokens(7, 20),
            [(7, 12, True)],
            (7, 20, 7, 12, True),
            id="a turn that another process did over",
        ),
        pytest.param(
            Kind.TURN,
            Outcome.FAILED,
            Tokens(0, 8, exact=False),
            [(7, 5, True)],
            (0, 5, 7, 0, True),
            id="an estimate that was too high is lowered",
        ),
        pytest.param(
            Kind.JOB,
            Outcome.COMPLETED,
            Tokens(7, 20),
            [(7, 1, True), (7, 2, True)],
            (7, 20, 14, 3, True),
            id="a job that was tried three times",
        ),
    ],
)
async def test_what_an_engine_cut_off_is_brought_into_the_entry(
    person: Person,
    database: Postgres,
    kind: Kind,
    outcome: Outcome,
    tokens: Tokens,
    records: list[tuple[int, int, bool]],
    result: tuple[int, int, int, int, bool],
) -> None:
    comparison = Comparison(database)
    reference = await booked(database, person, kind, outcome, tokens)
    for repeat in range(2):
        for number, (prompt, completion, exact) in enumerate(records):
            await comparison.store([], [cut_off(reference, prompt, completion, exact=exact, number=number)])
        await comparison.apply()
        assert await charged(database, reference) == result, repeat
    used = await database.fetchval(
        "SELECT used FROM usage_periods WHERE subject = $1 AND period = 'day'", person.id
    )
    assert used == result[0] + result[1]


async def test_a_record_waits_for_its_entry(person: Person, database: Postgres) -> None:
    comparison = Comparison(database)
    ledger = LedgerRepository(database)
    reference = new_id("api")
    await comparison.store([], [cut_off(reference, 7, 9)])
    await comparison.apply()
    async with database.transaction() as connection:
        await ledger.reserve(
            connection,
            user_id=person.id,
            kind=Kind.API,
            reference=reference,
            model="simulated",
            revision="r1",
            tokens=100,
            expires=True,
        )
    await comparison.apply()
    assert await charged(database, reference) == (0, 0, 0, 0, True)
    await database.execute(
        "UPDATE ledger_entries SET expires_at = now() - interval '1 s' WHERE reference = $1", reference
    )
    await ledger.lapse()
    await comparison.apply()
    assert await charged(database, reference) == (7, 9, 0, 0, True)
    rows = await database.fetch("SELECT used, reserved FROM usage_periods WHERE subject = $1", person.id)
    assert [(row["used"], row["reserved"]) for row in rows] == [(16, 0), (16, 0)]


async def test_a_job_that_is_tried_again_after_it_was_given_up_is_charged_once(
    person: Person, database: Postgres
) -> None:
    comparison = Comparison(database)
    ledger = LedgerRepository(database)
    reference = new_id("job")

    async def hold() -> None:
        async with database.transaction() as connection:
            await ledger.reserve(
                connection,
                user_id=person.id,
                kind=Kind.JOB,
                reference=reference,
                model="simulated",
                revision="r1",
                tokens=100,
                expires=True,
            )

    async def held() -> set[tuple[int, int]]:
        rows = await database.fetch("SELECT used, reserved FROM usage_periods WHERE subject = $1", person.id)
        return {(row["used"], row["reserved"]) for row in rows}

    await hold()
    await comparison.store([], [cut_off(reference, 7, 3)])
    async with database.transaction() as connection:
        await ledger.give_back(connection, Kind.JOB, reference)
    assert await held() == {(0, 0)}
    await comparison.apply()
    # Nobody pays for what failed, and the books agree with the engine.
    assert await charged(database, reference) == (0, 0, 7, 3, True)
    await hold()
    await hold()
    assert await held() == {(0, 100)}
    await booked(database, person, Kind.JOB, Outcome.COMPLETED, Tokens(7, 20), reference)
    await booked(database, person, Kind.JOB, Outcome.COMPLETED, Tokens(7, 20), reference)
    assert await charged(database, reference) == (7, 20, 7, 3, True)
    assert await held() == {(27, 0)}


async def test_counters_only_rise_and_an_old_report_changes_nothing(database: Postgres) -> None:
    comparison = Comparison(database)
    model, name = new_id("mod"), new_id("rep")
    for requests in (3, 1, 2):
        figures = ReplicaCounters(name, model, "r1", 1e9, requests, requests * 10, requests * 2)
        await comparison.store([figures], [])
    await comparison.store([ReplicaCounters(new_id("rep"), model, "r1", 1e9, 1, 10, 2)], [])
    assert (await comparison.engines())[model] == Sums(40, 8)
    await database.execute("DELETE FROM engine_counters WHERE model = $1", model)


async def test_what_was_booked_before_the_first_replica_started_is_not_compared(
    person: Person, database: Postgres
) -> None:
    comparison = Comparison(database)
    started = time.time()
    await comparison.store([ReplicaCounters(new_id("rep"), "m", "r1", started, 0, 0, 0)], [])
    since = await comparison.since()
    assert since is not None
    assert since.timestamp() <= started + 0.001
    await booked(database, person, Kind.API, Outcome.COMPLETED, Tokens(3, 4))
    now = datetime.now(UTC)
    later = await comparison.ledger(now, now + timedelta(days=1))
    sooner = await comparison.ledger(now - timedelta(minutes=1), now)
    assert sooner["simulated"].prompt >= 3
    assert later.get("simulated", Sums()) == Sums()


class Books(Comparison):
    """Both sides as they are told."""

    def __init__(self, database: Postgres, model: str) -> None:
        super().__init__(database)
        self.model = model
        self.booked, self.did = Sums(), Sums()

    async def store(self, replicas: Sequence[ReplicaCounters], records: Sequence[CutOff]) -> None:
        return None

    async def apply(self) -> int:
        return 0

    async def since(self) -> datetime | None:
        return datetime(2020, 1, 1, tzinfo=UTC)

    async def engines(self) -> Mapping[str, Sums]:
        return {self.model: self.did}

    async def ledger(self, begin: datetime, end: datetime) -> Mapping[str, Sums]:
        return {self.model: self.booked} if end > datetime.now(UTC) else {}


def metric(name: str, model: str, kind: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"model": model, "kind": kind})


async def test_a_difference_is_shown_at_once_and_counted_when_it_stays(database: Postgres) -> None:
    model = new_id("mod")
    books = Books(database, model)
    reconciler = LedgerReconciler(database, books, FakeControl(), SystemClock())
    books.booked, books.did = Sums(10, 5, 2, 1), Sums(10, 8)
    compared = REGISTRY.get_sample_value("headrace_ledger_comparisons_total") or 0
    for look in range(LOOKS + 3):
        await reconciler.step()
        assert REGISTRY.get_sample_value("headrace_ledger_comparisons_total") == compared + look + 1
        assert metric("headrace_ledger_difference_tokens", model, "prompt") == 0
        assert metric("headrace_ledger_difference_tokens", model, "completion") == 3
        assert metric("headrace_ledger_estimated_tokens", model, "prompt") == 2
        counted = metric("headrace_ledger_mismatches_total", model, "completion")
        assert counted == (1 if look >= LOOKS - 1 else None)
    assert metric("headrace_ledger_mismatches_total", model, "prompt") is None


async def test_work_under_way_moves_the_difference_and_is_no_mistake(database: Postgres) -> None:
    model = new_id("mod")
    books = Books(database, model)
    reconciler = LedgerReconciler(database, books, FakeControl(), SystemClock())
    for look in range(LOOKS * 3):
        books.did = Sums(10 * look + 1, 0)
        await reconciler.step()
    books.did = Sums()
    await reconciler.step()
    assert metric("headrace_ledger_difference_tokens", model, "prompt") == 0
    assert metric("headrace_ledger_mismatches_total", model, "prompt") is None


async def test_control_away_is_said_and_the_position_is_kept(database: Postgres) -> None:
    control = FakeControl()
    asked: list[tuple[str, int]] = []
    original = control.usage

    async def usage(epoch: str, after: int) -> EngineReport:
        asked.append((epoch, after))
        return await original(epoch, after)

    control.usage = usage  # type: ignore[method-assign]
    control.report = EngineReport(epoch="e", last=7, replicas=[], records=[])
    reconciler = LedgerReconciler(database, Books(database, "m"), control, SystemClock())
    await reconciler.step()
    control.away = True
    with pytest.raises(Unavailable):
        await reconciler.step()
    control.away = False
    await reconciler.step()
    assert asked == [("", 0), ("e", 7), ("e", 7)]
