"""A mirror shows another process's log as it grows, and lets go of one that it cannot show whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from core.ids import new_id
from core.keyvalue import KeyValue
from gateway.chat.events import STATUS, Event
from gateway.chat.live_log import ProcessLiveLog
from gateway.chat.log_store import Append, Entry, LogStore, log_key
from gateway.chat.mirror import Mirrors

Write = Callable[..., Awaitable[None]]


@pytest.fixture
async def keyvalue(redis_url: str) -> AsyncIterator[KeyValue]:
    made = KeyValue(redis_url, timeout=2)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def mirrors(keyvalue: KeyValue) -> AsyncIterator[Mirrors]:
    made = Mirrors(LogStore(keyvalue))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def turn() -> str:
    return new_id("trn")


@pytest.fixture
def write(keyvalue: KeyValue, turn: str) -> Write:
    """Appends events with these numbers, the last one of kind `last`."""

    async def append(*numbers: int, last: str = "delta") -> None:
        kinds = ["delta"] * (len(numbers) - 1) + [last]
        events = [Entry(Event(number, kind, b"{}")) for number, kind in zip(numbers, kinds, strict=True)]
        await LogStore(keyvalue).append([Append(turn, 1, events, 60)])

    return append


async def read(log: ProcessLiveLog, after: int = 0) -> list[int]:
    async with asyncio.timeout(20):
        return [event.seq async for batch in log.follow(after, 5) for event in batch]


async def test_every_follower_sees_what_was_there_and_what_comes(
    mirrors: Mirrors, write: Write, turn: str
) -> None:
    await write(1, 2, 3)
    async with mirrors.of(turn) as one, mirrors.of(turn) as two:
        assert one is two
        following = [asyncio.create_task(read(one)), asyncio.create_task(read(two, after=2))]
        async with asyncio.timeout(20):
            assert [event.seq for event in await anext(one.follow(0, 5))] == [1, 2, 3]
        await write(4, 5, last="turn.completed")
        assert await asyncio.gather(*following) == [[1, 2, 3, 4, 5], [3, 4, 5]]


async def test_a_status_reaches_a_mirror_without_a_number(mirrors: Mirrors, write: Write, turn: str) -> None:
    async with mirrors.of(turn) as log, asyncio.timeout(20):
        following = log.follow(0, 20)
        await write(1)
        assert [event.seq for event in await anext(following)] == [1]
        await write(0, last=STATUS)
        assert [(event.seq, event.kind) for event in await anext(following)] == [(0, STATUS)]
        await write(2, last="turn.stopped")
        assert [event.seq for event in await anext(following)] == [2]


async def test_a_log_that_has_a_gap_is_let_go_after_what_came_before_it(
    mirrors: Mirrors, keyvalue: KeyValue, write: Write, turn: str
) -> None:
    await write(1, 2, 3, 4)
    await keyvalue.client.xdel(log_key(turn), "3-0")
    async with mirrors.of(turn) as log:
        assert await read(log) == [1, 2]
        assert (log.moved, log.finished) == (True, False)
    async with mirrors.of(turn) as anew:
        assert anew is not log


async def test_a_log_that_was_lost_and_written_anew_goes_on_without_repeating(
    mirrors: Mirrors, keyvalue: KeyValue, write: Write, turn: str
) -> None:
    await write(1, 2)
    async with mirrors.of(turn) as log:
        following = asyncio.create_task(read(log))
        async with asyncio.timeout(20):
            await anext(log.follow(0, 5))
        await keyvalue.client.delete(log_key(turn))
        await write(1, 2, 3, last="turn.completed")
        assert await following == [1, 2, 3]


async def test_followers_are_let_go_when_the_store_is_away() -> None:
    mirrors = Mirrors(LogStore(KeyValue("redis://127.0.0.1:9/0", timeout=0.5)))
    await mirrors.start()
    async with mirrors.of("trn_x") as log:
        assert await read(log) == []
        assert log.moved
    await mirrors.stop()


async def test_what_nobody_follows_is_not_kept(mirrors: Mirrors, write: Write, turn: str) -> None:
    await write(1, last="turn.completed")
    async with mirrors.of(turn) as log:
        assert await read(log) == [1]
    assert mirrors._mirrors == {}
