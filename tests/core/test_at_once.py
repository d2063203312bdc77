"""A coroutine that is run as far as it goes, and what is left of it."""

import asyncio

import pytest

from core.at_once import at_once


async def test_what_waits_for_nothing_is_over() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    assert at_once(work()) is None
    assert done == [1]


async def test_what_has_to_wait_goes_on_when_it_is_awaited() -> None:
    ready, done = asyncio.Event(), []

    async def work() -> None:
        done.append("begun")
        for _ in range(2):
            await ready.wait()
            ready.clear()
            done.append("on")
            await asyncio.sleep(0)

    left = at_once(work())
    assert left is not None
    assert done == ["begun"]
    ready.set()
    going_on = asyncio.ensure_future(left)
    await asyncio.sleep(0.01)
    assert done == ["begun", "on"]
    ready.set()
    await going_on
    assert done == ["begun", "on", "on"]


async def test_errors_come_from_where_it_is_run() -> None:
    async def work(*, later: bool) -> None:
        if later:
            await asyncio.sleep(0)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        at_once(work(later=False))
    left = at_once(work(later=True))
    assert left is not None
    with pytest.raises(ValueError, match="wrong"):
        await left


async def test_who_is_cancelled_while_it_waits_ends_it() -> None:
    ended: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    left = at_once(work())
    assert left is not None
    waiting = asyncio.ensure_future(left)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == [True]


async def test_what_is_no_coroutine_is_awaited() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    assert at_once(future) is future
