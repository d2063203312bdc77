"""The booking queue: nothing is lost while the database is away, and nothing is booked twice."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from core.errors import Unavailable
from core.ids import new_id
from core.postgres import Postgres
from gateway.usage import booking
from gateway.usage.booking import BookingQueue
from gateway.usage.journal import Journal
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Kind, Outcome, Tokens
from tests.gateway.client import Person, until


class Away(LedgerRepository):
    """The real one, once the database is back."""

    def __init__(self, postgres: Postgres) -> None:
        super().__init__(postgres)
        self.away = True
        self.tries = 0

    async def book(self, entries: Sequence[Entry]) -> None:
        self.tries += 1
        if self.away:
            raise Unavailable()
        await super().book(entries)


def entry(person: Person, number: int) -> Entry:
    return Entry(
        id=new_id("led"),
        user_id=person.id,
        key_id=None,
        kind=Kind.API,
        reference=f"{person.id}-{number}",
        model="simulated",
        revision="r1",
        outcome=Outcome.COMPLETED,
        tokens=Tokens(1, 2),
    )


async def booked(database: Postgres, person: Person) -> int:
    found: int = await database.fetchval(
        "SELECT count(*) FROM ledger_entries WHERE user_id = $1 AND kind = 'api'", person.id
    )
    return found


async def test_bookings_wait_for_a_database_that_is_away(
    person: Person, database: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(booking, "FLUSH_SECONDS", 0.01)
    ledger = Away(database)
    queue = BookingQueue(ledger, Journal(tmp_path))
    await queue.start()
    for number in range(1_203):
        queue.add(entry(person, number))
    await until(lambda: ledger.tries >= 1)
    assert await booked(database, person) == 0
    ledger.away = False
    await queue.stop()
    assert await booked(database, person) == 1_203


async def test_a_booking_that_comes_twice_counts_once(
    person: Person, database: Postgres, tmp_path: Path
) -> None:
    queue = BookingQueue(LedgerRepository(database), Journal(tmp_path))
    same = entry(person, 1)
    for _ in range(3):
        queue.add(same)
    await queue.flush()
    queue.add(same)
    await queue.flush()
    assert await booked(database, person) == 1


async def test_a_booking_of_somebody_who_is_gone_does_not_hold_up_the_others(
    person: Person, database: Postgres, tmp_path: Path
) -> None:
    queue = BookingQueue(LedgerRepository(database), Journal(tmp_path))
    ghost = Person(person.http, "usr_" + "0" * 32)
    queue.add(entry(ghost, 1))
    queue.add(entry(person, 1))
    await queue.flush()
    assert await booked(database, person) == 1
    assert await booked(database, ghost) == 0


async def test_the_queue_has_a_bound_and_gives_up_the_oldest(
    person: Person, database: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(booking, "MAX_WAITING", 3)
    queue = BookingQueue(LedgerRepository(database), Journal(tmp_path))
    for number in range(5):
        queue.add(entry(person, number))
    await queue.flush()
    rows = await database.fetch("SELECT reference FROM ledger_entries WHERE user_id = $1", person.id)
    assert sorted(row["reference"] for row in rows) == [f"{person.id}-{n}" for n in (2, 3, 4)]
