"""A live log: contiguous numbers, one end, followers at their own pace."""

import asyncio

import pytest

from gateway.chat.live_log import KEEP_FINISHED, ProcessLiveLog, ProcessLiveLogs


async def read(log: ProcessLiveLog, after: int = 0) -> list[int]:
    return [event.seq async for batch in log.follow(after, 30) for event in batch]


async def test_numbers_are_contiguous_from_one() -> None:
    log = ProcessLiveLog()
    assert [log.append("delta", b"{}").seq for _ in range(5)] == [1, 2, 3, 4, 5]


async def test_nothing_comes_after_the_end() -> None:
    log = ProcessLiveLog()
    log.append("turn.completed", b"{}")
    with pytest.raises(RuntimeError, match="one terminal event"):
        log.append("delta", b"{}")


async def test_every_follower_sees_every_event_whenever_it_begins() -> None:
    log = ProcessLiveLog()
    followers = []
    for _ in range(20):
        followers.append(asyncio.create_task(read(log)))
        log.append("delta", b"{}")
        await asyncio.sleep(0)
    log.append("turn.stopped", b"{}")
    for seen in await asyncio.gather(*followers):
        assert seen == list(range(1, 22))


async def test_a_silent_log_gives_empty_batches() -> None:
    log = ProcessLiveLog()
    following = log.follow(0, 0.01)
    assert list(await anext(following)) == []
    log.append("turn.failed", b"{}")
    assert [event.seq for event in await anext(following)] == [1]


async def test_finished_logs_are_kept_up_to_a_bound_and_running_ones_always() -> None:
    logs = ProcessLiveLogs()
    running = logs.open("running")
    for number in range(KEEP_FINISHED + 10):
        logs.open(f"t{number}").append("turn.completed", b"{}")
    logs.open("last")
    assert logs.get("running") is running
    assert logs.get("t0") is None
    assert logs.get(f"t{KEEP_FINISHED + 9}") is not None
    assert len(logs._logs) == KEEP_FINISHED + 2
