"""A live log: contiguous numbers, one end, followers at their own pace."""

import asyncio

import pytest

from gateway.chat.events import Event, status
from gateway.chat.live_log import KEEP_FINISHED, ProcessLiveLog, ProcessLiveLogs


async def read(log: ProcessLiveLog, after: int = 0) -> list[int]:
    return [event.seq async for batch in log.follow(after, 30) for event in batch]


def add(log: ProcessLiveLog, kind: str = "delta") -> None:
    log.show([Event(log.length + 1, kind, b"{}")])


async def test_an_event_that_leaves_a_gap_or_comes_twice_is_refused() -> None:
    log = ProcessLiveLog()
    add(log)
    for number in (1, 3):
        with pytest.raises(RuntimeError, match="no gaps"):
            log.show([Event(number, "delta", b"{}")])
    assert log.length == 1


async def test_nothing_comes_after_the_end() -> None:
    log = ProcessLiveLog()
    add(log, "turn.completed")
    with pytest.raises(RuntimeError, match="one terminal event"):
        add(log)


async def test_every_follower_sees_every_event_whenever_it_begins() -> None:
    log = ProcessLiveLog()
    followers = []
    for _ in range(20):
        followers.append(asyncio.create_task(read(log)))
        add(log)
        await asyncio.sleep(0)
    add(log, "turn.stopped")
    for seen in await asyncio.gather(*followers):
        assert seen == list(range(1, 22))


async def test_a_silent_log_gives_empty_batches() -> None:
    log = ProcessLiveLog()
    following = log.follow(0, 0.01)
    assert list(await anext(following)) == []
    add(log, "turn.failed")
    assert [event.seq for event in await anext(following)] == [1]


async def test_a_status_reaches_those_who_follow_and_is_not_part_of_the_log() -> None:
    log = ProcessLiveLog()
    add(log)
    following = log.follow(0, 5)
    assert [event.seq for event in await anext(following)] == [1]
    log.tell(status("reconnecting"))
    (told,) = await anext(following)
    assert (told.seq, told.kind, told.frame()) == (
        0,
        "turn.status",
        b'event: turn.status\ndata: {"state":"reconnecting"}\n\n',
    )
    add(log, "turn.completed")
    assert await read(log) == [1, 2]


async def test_who_comes_while_the_answer_waits_for_an_engine_is_told_so() -> None:
    log = ProcessLiveLog()
    add(log)
    log.tell(status("reconnecting"))
    late = log.follow(0, 0.01)
    assert [event.seq for event in await anext(late)] == [1]
    assert list(await anext(late)) == [status("reconnecting")]
    assert list(await anext(late)) == []
    log.tell(status("running"))
    assert list(await anext(late)) == [status("running")]
    later = log.follow(0, 0.01)
    assert [event.seq for event in await anext(later)] == [1]
    assert list(await anext(later)) == [], "nothing is unusual, so nothing is told"


async def test_followers_leave_a_log_that_goes_on_elsewhere_after_what_is_here() -> None:
    log = ProcessLiveLog()
    add(log)
    following = asyncio.create_task(read(log))
    await asyncio.sleep(0)
    log.move()
    assert await following == [1]
    assert not log.finished


async def test_finished_logs_are_kept_up_to_a_bound_and_running_ones_always() -> None:
    logs = ProcessLiveLogs()
    running = ProcessLiveLog()
    logs.add("running", running)
    for number in range(KEEP_FINISHED + 10):
        log = ProcessLiveLog()
        add(log, "turn.completed")
        logs.add(f"t{number}", log)
    assert logs.get("running") is running
    assert logs.get("t0") is None
    assert logs.get(f"t{KEEP_FINISHED + 9}") is not None
    assert len(logs) == KEEP_FINISHED + 1
