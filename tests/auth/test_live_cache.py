import asyncio

import pytest

from auth.live_cache import LIVE_SECONDS, RENEW_SECONDS, LiveCache
from core.errors import Unavailable
from tests.auth.process import MovableClock


class Source:
    """Values that can be changed, and how often they were asked for."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {"a": "1"}
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()
        self.away = False

    async def load(self, key: str) -> str | None:
        self.asked += 1
        value = self.values.get(key)
        await self.open.wait()
        if self.away:
            raise Unavailable
        return value


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(source: Source, clock: MovableClock) -> LiveCache[str, str]:
    return LiveCache(source.load, clock, size=3)


async def test_a_value_is_asked_for_once(cache: LiveCache[str, str], source: Source) -> None:
    assert [await cache.get("a") for _ in range(9)] == ["1"] * 9
    assert source.asked == 1


async def test_many_who_miss_share_one_load(cache: LiveCache[str, str], source: Source) -> None:
    assert await asyncio.gather(*(cache.get("a") for _ in range(50))) == ["1"] * 50
    assert source.asked == 1


async def test_one_who_leaves_does_not_take_the_load_from_the_others(
    cache: LiveCache[str, str], source: Source
) -> None:
    source.open.clear()
    leaving, staying = asyncio.ensure_future(cache.get("a")), asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    leaving.cancel()
    source.open.set()
    assert await staying == "1"


async def test_what_does_not_exist_is_not_remembered(cache: LiveCache[str, str], source: Source) -> None:
    assert await cache.get("b") is None
    source.values["b"] = "2"
    assert await cache.get("b") == "2"


async def test_a_value_dies_with_its_age_counted_from_the_start_of_its_load(
    cache: LiveCache[str, str], source: Source, clock: MovableClock
) -> None:
    source.open.clear()
    first = asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    clock.move(seconds=LIVE_SECONDS)
    source.open.set()
    await first
    assert cache.peek("a") is None


async def test_a_value_in_use_is_renewed_before_it_dies_while_it_is_served(
    cache: LiveCache[str, str], source: Source, clock: MovableClock
) -> None:
    await cache.get("a")
    source.values["a"] = "2"
    clock.move(seconds=RENEW_SECONDS + 0.1)
    assert cache.peek("a") == "1"
    await asyncio.sleep(0.01)
    assert cache.peek("a") == "2"
    assert source.asked == 2


async def test_a_value_that_is_gone_at_its_renewal_is_gone_at_once(
    cache: LiveCache[str, str], source: Source, clock: MovableClock
) -> None:
    await cache.get("a")
    del source.values["a"]
    clock.move(seconds=RENEW_SECONDS + 0.1)
    cache.peek("a")
    await asyncio.sleep(0.01)
    assert await cache.get("a") is None


async def test_a_source_that_is_away_is_an_error_once_the_value_is_too_old(
    cache: LiveCache[str, str], source: Source, clock: MovableClock
) -> None:
    await cache.get("a")
    source.away = True
    clock.move(seconds=RENEW_SECONDS + 0.1)
    assert await cache.get("a") == "1"
    clock.move(seconds=LIVE_SECONDS)
    with pytest.raises(Unavailable):
        await cache.get("a")


@pytest.mark.parametrize("way", ["forget", "forget_where", "clear"])
async def test_a_load_that_began_before_the_end_was_announced_is_not_kept(
    cache: LiveCache[str, str], source: Source, way: str
) -> None:
    source.open.clear()
    early = asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    del source.values["a"]
    if way == "forget":
        cache.forget("a")
    elif way == "forget_where":
        cache.forget_where(lambda value: value == "1")
    else:
        cache.clear()
    source.open.set()
    await early
    assert await cache.get("a") is None


async def test_the_cache_is_bounded_and_the_oldest_load_goes_first(
    cache: LiveCache[str, str], source: Source
) -> None:
    for key in "bcdefg":
        source.values[key] = key
        await cache.get(key)
    assert len(cache) == 3
    assert cache.peek("g") == "g"
    assert cache.peek("b") is None
