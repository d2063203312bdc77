"""The stored log of a turn: without gaps, without repetition, written by one runner at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import Unavailable
from core.ids import new_id
from core.keyvalue import KeyValue
from gateway.chat import own_log
from gateway.chat.events import STATUS, Event
from gateway.chat.log_store import FENCED, Append, Entry, LogStore, Seam
from gateway.chat.own_log import LogWriter, OwnLog

KEEP = 60


@pytest.fixture
async def keyvalue(redis_url: str) -> AsyncIterator[KeyValue]:
    made = KeyValue(redis_url, timeout=2)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def store(keyvalue: KeyValue) -> LogStore:
    return LogStore(keyvalue)


@pytest.fixture
async def turn(store: LogStore) -> str:
    made = new_id("trn")
    await store.put_request(made, b'{"a":1}', KEEP)
    return made


@pytest.fixture
async def writer(store: LogStore) -> AsyncIterator[LogWriter]:
    made = LogWriter(store)
    await made.start()
    yield made
    await made.stop()


def entries(first: int, last: int) -> list[Entry]:
    return [
        Entry(Event(number, "delta", b'{"text":"%d"}' % number), Seam(tokens=[number], held="h"))
        for number in range(first, last + 1)
    ]


async def send(store: LogStore, turn: str, what: list[Entry], attempt: int = 1) -> int:
    (last,) = await store.append([Append(turn, attempt, what, KEEP)])
    return last


async def stored(store: LogStore, turn: str, attempt: int = 9) -> list[int] | None:
    found = await store.take(turn, attempt, KEEP)
    return None if found is None else [entry.event.seq for entry in found.entries]


async def test_what_is_sent_twice_is_there_once(store: LogStore, turn: str) -> None:
    assert await send(store, turn, entries(1, 3)) == 3
    assert await send(store, turn, entries(1, 3)) == 3
    assert await send(store, turn, entries(2, 5)) == 5
    assert await stored(store, turn) == [1, 2, 3, 4, 5]


async def test_what_would_leave_a_gap_is_not_written_and_the_writer_told_where_to_begin(
    store: LogStore, turn: str
) -> None:
    await send(store, turn, entries(1, 2))
    assert await send(store, turn, entries(4, 6)) == 2
    assert await send(store, turn, entries(3, 6)) == 6
    assert await stored(store, turn) == [1, 2, 3, 4, 5, 6]


async def test_who_takes_a_turn_gets_all_of_it_and_shuts_earlier_runners_out(
    store: LogStore, turn: str
) -> None:
    await send(store, turn, entries(1, 2))
    found = await store.take(turn, 2, KEEP)
    assert found is not None
    assert (found.request, list(found.entries)) == (b'{"a":1}', entries(1, 2))
    assert await send(store, turn, entries(3, 3), attempt=1) == FENCED
    assert await store.take(turn, 1, KEEP) is None
    assert await send(store, turn, entries(3, 3), attempt=2) == 3
    assert await stored(store, turn) == [1, 2, 3]


async def test_one_fenced_log_does_not_keep_the_others_of_a_round_trip_from_being_written(
    store: LogStore, turn: str
) -> None:
    other = new_id("trn")
    await store.put_request(other, b"{}", KEEP)
    await store.take(turn, 2, KEEP)
    answers = await store.append(
        [Append(turn, 1, entries(1, 1), KEEP), Append(other, 1, entries(1, 2), KEEP)]
    )
    assert list(answers) == [FENCED, 2]
    assert await stored(store, other) == [1, 2]


async def test_a_status_is_told_and_no_part_of_what_is_taken_over(store: LogStore, turn: str) -> None:
    status = Entry(Event(0, STATUS, b'{"state":"reconnecting"}'))
    assert await send(store, turn, [status]) == 0
    assert await send(store, turn, [*entries(1, 1), status]) == 1
    assert await send(store, turn, [*entries(2, 2), status]) == 2
    assert await stored(store, turn) == [1, 2]


async def test_a_log_without_its_request_or_its_beginning_is_not_enough(
    store: LogStore, keyvalue: KeyValue, turn: str
) -> None:
    await send(store, turn, entries(1, 3))
    assert await stored(store, new_id("trn")) is None
    await keyvalue.client.xdel(f"headrace:turn:{{{turn}}}:log", "1-0")
    assert await stored(store, turn) is None


async def test_everything_has_an_end(store: LogStore, keyvalue: KeyValue, turn: str) -> None:
    await send(store, turn, entries(1, 1))
    for part in ("log", "fence", "request"):
        assert 0 < await keyvalue.client.ttl(f"headrace:turn:{{{turn}}}:{part}") <= KEEP


async def test_a_store_that_nobody_runs_is_unavailable() -> None:
    nobody = LogStore(KeyValue("redis://127.0.0.1:9/0", timeout=0.5))
    with pytest.raises(Unavailable):
        await send(nobody, "trn_x", entries(1, 1))
    with pytest.raises(Unavailable):
        await nobody.take("trn_x", 2, KEEP)


async def test_a_store_that_forgot_everything_is_sent_everything_anew(
    store: LogStore, keyvalue: KeyValue, turn: str, writer: LogWriter
) -> None:
    own = OwnLog(turn, 1, KEEP, writer, lambda: None)
    own.event("turn.started", b"{}")
    own.delta("one", Seam(tokens=[1]))
    await own.flushed()
    await keyvalue.client.flushall()
    await keyvalue.client.script_flush()
    own.delta("two", Seam(tokens=[2]))
    await own.flushed()
    await store.put_request(turn, b"{}", KEEP)
    assert await stored(store, turn) == [1, 2, 3]
    assert own.delta_ends == [3, 6]


async def test_nothing_is_shown_that_another_process_could_not_find(
    store: LogStore, turn: str, writer: LogWriter
) -> None:
    own = OwnLog(turn, 1, KEEP, writer, lambda: None)
    own.event("turn.started", b"{}")
    own.delta("one", Seam(tokens=[1]))
    own.number()
    assert own.shown.length == 0
    await own.flushed()
    assert own.shown.length == 2
    assert await stored(store, turn) == [1, 2]


async def test_a_runner_that_was_shut_out_is_told_once_and_shows_nothing_more(
    store: LogStore, turn: str, writer: LogWriter
) -> None:
    told: list[bool] = []
    own = OwnLog(turn, 1, KEEP, writer, lambda: told.append(True))
    own.event("turn.started", b"{}")
    await own.flushed()
    await store.take(turn, 2, KEEP)
    own.delta("not for anybody", Seam(tokens=[1]))
    await own.flushed()
    own.delta("nor this", Seam(tokens=[2]))
    await own.flushed()
    assert (told, own.shown.length, own.shown.moved) == ([True], 1, True)
    assert await stored(store, turn) == [1]


async def test_while_the_store_is_away_events_are_shown_and_written_later_by_one_timer(
    store: LogStore, turn: str, writer: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    append = store.append

    async def away(what: list[Append]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable()
        return list(await append(what))

    monkeypatch.setattr(own_log, "PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(store, "append", away)
    own = OwnLog(turn, 1, KEEP, writer, lambda: None)
    for number in range(20):
        own.delta(str(number), Seam(tokens=[number]))
        await own.flushed()
    assert own.shown.length == 20
    assert own.behind
    async with asyncio.timeout(20):
        while own.behind:  # noqa: ASYNC110 - nothing says when a store has caught up
            await asyncio.sleep(0.02)
    assert calls == 2
    assert await stored(store, turn) == list(range(1, 21))


async def test_a_log_that_is_broken_lets_its_own_go_and_keeps_no_other_from_being_written(
    store: LogStore, turn: str, writer: LogWriter
) -> None:
    broken = OwnLog(new_id("trn"), 1, KEEP, writer, lambda: None)
    broken.event("turn.failed", b"{}")
    await broken.flushed()
    own = OwnLog(turn, 1, KEEP, writer, lambda: None)
    own.event("turn.started", b"{}")
    # A second end is what a log refuses.
    broken.event("turn.failed", b"{}")
    await broken.flushed()
    assert (broken.lost, broken.shown.moved) == (True, True)
    own.delta("goes on", Seam(tokens=[1]))
    await own.flushed()
    assert own.shown.length == 2
    found: list[int] | None = None
    async with asyncio.timeout(20):
        while found != [1, 2]:
            found = await stored(store, turn, 1)
            await asyncio.sleep(0.02)
