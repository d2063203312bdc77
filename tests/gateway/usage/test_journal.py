"""What a killed gateway owed the ledger is booked by whoever starts next, once."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from core.errors import Unavailable
from core.postgres import Postgres
from gateway.usage import journal
from gateway.usage.booking import BookingQueue
from gateway.usage.journal import Journal, orphans
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Outcome, Tokens
from gateway.usage.upkeep import LedgerUpkeep
from tests.gateway.client import Gateway, Person
from tests.gateway.usage.test_booking import Away, entry

ROOT = Path(__file__).parents[3]


def owed(directory: Path) -> list[Entry]:
    """What is in the files of processes that are gone; the files stay."""
    found: list[Entry] = []
    for orphan in orphans(directory):
        found += orphan.entries
        orphan.leave()
    return found


def sizes(directory: Path) -> list[int]:
    """Bytes of every file."""
    return [path.stat().st_size for path in directory.iterdir()]


def killed(directory: Path, body: str, **values: str) -> None:
    """A process that notes what `body` says and is killed without a chance to tidy up."""
    script = (
        textwrap.dedent(
            """
        import os, signal, sys
        from pathlib import Path
        from gateway.usage.journal import Journal
        from gateway.usage.tables import Entry, Kind, Outcome, Tokens
        from core.ids import new_id

        def entry(reference, tokens=Tokens(1, 2)):
            return Entry(id=new_id("led"), user_id=os.environ["USER_ID"], key_id=None, kind=Kind.API,
                reference=os.environ["USER_ID"] + reference, model="simulated", revision="r1",
                outcome=Outcome.COMPLETED, tokens=tokens)

        journal = Journal(Path(sys.argv[1]))
        journal.start()
        """
        )
        + textwrap.dedent(body)
        + "\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(directory)],
        cwd=ROOT,
        env={**os.environ, "USER_ID": values.get("user_id", "usr_x")},
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL


async def test_bookings_of_a_killed_process_are_written_once_by_the_next_one(
    gateway: Gateway, person: Person, database: Postgres, tmp_path: Path
) -> None:
    killed(
        tmp_path,
        """
        for number in range(700):
            journal.booked(entry(f"-{number}"))
        journal.opened(entry("-open"))
        journal.opened(entry("-refused"))
        journal.dropped(os.environ["USER_ID"] + "-refused")
        """,
        user_id=person.id,
    )
    house = gateway.house
    tidy = LedgerUpkeep(house.ledger, house.booking, tmp_path)
    for _ in range(2):
        await tidy.step()
    rows = await database.fetch(
        "SELECT reference, outcome, exact, prompt_tokens FROM ledger_entries WHERE user_id = $1", person.id
    )
    assert len(rows) == 701
    (unfinished,) = [row for row in rows if not row["exact"]]
    assert (unfinished["reference"], unfinished["outcome"], unfinished["prompt_tokens"]) == (
        f"{person.id}-open",
        "failed",
        0,
    )
    assert sizes(tmp_path) == []
    used = await database.fetch("SELECT used FROM usage_periods WHERE subject = $1", person.id)
    assert [row["used"] for row in used] == [2100, 2100]


async def test_a_torn_last_line_and_noise_spoil_only_themselves(tmp_path: Path) -> None:
    killed(
        tmp_path,
        r"""
        journal.booked(entry("-1"))
        os.write(journal._file, b"\n{\"type\":\"book\",\"entry\":{\"id\":\"le")
        journal.booked(entry("-2"))
        os.write(journal._file, b"\n\xff\xfe\x00\nnull\n[]\n{\"type\":\"eh\"}")
        journal.booked(entry("-3"))
        os.write(journal._file, b"\n{\"type\":\"book\"")
        """,
    )
    assert [found.reference for found in owed(tmp_path)] == ["usr_x-1", "usr_x-2", "usr_x-3"]


async def test_the_file_of_a_living_process_is_left_alone(person: Person, tmp_path: Path) -> None:
    living = Journal(tmp_path)
    living.start()
    living.booked(entry(person, 1))
    assert owed(tmp_path) == []
    os.close(living._file)
    assert len(owed(tmp_path)) == 1


async def test_a_database_that_is_away_leaves_the_orphan_for_the_next_round(
    gateway: Gateway, person: Person, database: Postgres, tmp_path: Path
) -> None:
    killed(tmp_path, 'journal.booked(entry("-1"))', user_id=person.id)
    house = gateway.house
    ledger = Away(database)
    tidy = LedgerUpkeep(ledger, house.booking, tmp_path)
    with pytest.raises(Unavailable):
        await tidy.step()
    assert len(owed(tmp_path)) == 1
    ledger.away = False
    await tidy.step()
    assert owed(tmp_path) == []


async def test_what_is_written_is_forgotten_and_what_is_not_survives_a_rotation(
    person: Person, database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "EMPTY_BYTES", 1)
    monkeypatch.setattr(journal, "ROTATE_BYTES", 2_000)
    notes = Journal(tmp_path)
    queue = BookingQueue(LedgerRepository(database), notes)
    notes.start()
    notes._rotate_at = 2_000
    still_open = entry(person, 0)
    queue.open(still_open, reserved=False)
    for number in range(1, 50):
        queue.open(entry(person, number), reserved=False)
        queue.add(entry(person, number))
    await queue.flush()
    queue.add(entry(person, 99))
    queue._forget()
    (size,) = sizes(tmp_path)
    assert size < 2_000
    os.close(notes._file)
    assert sorted(found.reference for found in owed(tmp_path)) == [f"{person.id}-0", f"{person.id}-99"]


async def test_an_idle_process_empties_its_file_and_removes_it_at_its_end(
    person: Person, database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "EMPTY_BYTES", 1)
    queue = BookingQueue(LedgerRepository(database), Journal(tmp_path))
    await queue.start()
    queue.open(entry(person, 1), reserved=False)
    queue.add(entry(person, 1))
    await queue.stop()
    assert sizes(tmp_path) == []


async def test_a_directory_that_cannot_be_written_costs_no_request(
    person: Person, database: Postgres, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    queue = BookingQueue(LedgerRepository(database), Journal(tmp_path / "file"))
    failures = REGISTRY.get_sample_value("headrace_ledger_journal_failures_total") or 0
    await queue.start()
    assert REGISTRY.get_sample_value("headrace_ledger_journal_failures_total") == failures + 1
    queue.open(entry(person, 1), reserved=False)
    queue.add(replace(entry(person, 1), outcome=Outcome.COMPLETED, tokens=Tokens(4, 5)))
    await queue.stop()
    assert (
        await database.fetchval("SELECT prompt_tokens FROM ledger_entries WHERE user_id = $1", person.id) == 4
    )
