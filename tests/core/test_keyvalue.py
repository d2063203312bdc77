"""KeyValue: short commands, and subscriptions that come back by themselves."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from cluster.local.infrastructure import EmbeddedInfrastructure
from core.errors import Unavailable
from core.keyvalue import KeyValue, Published


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[KeyValue]:
    made = KeyValue(redis_url, timeout=1)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def name() -> str:
    return f"test:{secrets.token_hex(6)}"


async def test_a_value_is_kept_and_forgotten(store: KeyValue, name: str) -> None:
    assert await store.get(name) is None
    assert await store.set(name, b"\x00\xff", ttl=60)
    assert await store.get(name) == b"\x00\xff"
    await store.delete(name)
    await store.delete()
    assert await store.get(name) is None


async def test_a_value_has_an_end(store: KeyValue, name: str) -> None:
    await store.set(name, "x", ttl=60)
    assert 59_000 < await store.client.pttl(name) <= 60_000
    await store.set(name, "x", ttl=0)
    async with asyncio.timeout(10):
        while True:
            if await store.get(name) is None:
                break
            await asyncio.sleep(0.01)
    assert await store.client.exists(name) == 0


async def test_only_the_first_of_many_sets_what_must_be_new(store: KeyValue, name: str) -> None:
    won = await asyncio.gather(*(store.set(name, str(n), ttl=60, only_new=True) for n in range(20)))
    assert won.count(True) == 1


async def test_of_many_takers_one_gets_the_value(store: KeyValue, name: str) -> None:
    await store.set(name, b"ticket", ttl=60)
    got = await asyncio.gather(*(store.take(name) for _ in range(20)))
    assert [value for value in got if value is not None] == [b"ticket"]


async def test_a_server_that_nobody_runs_is_unavailable_for_every_command() -> None:
    nobody = KeyValue("redis://127.0.0.1:9/0", timeout=0.5)
    with pytest.raises(Unavailable):
        await nobody.get("x")
    # It does not stop a start.
    await nobody.start()
    for command in (
        nobody.get("x"),
        nobody.set("x", b"", ttl=1),
        nobody.take("x"),
        nobody.delete("x"),
        nobody.publish("x", b""),
        nobody.check(),
    ):
        with pytest.raises(Unavailable) as away:
            await asyncio.wait_for(command, 10)
        assert away.value.retry
    await nobody.stop()


async def heard(subscription: AsyncIterator[Published]) -> Published:
    return await asyncio.wait_for(anext(subscription), 30)


async def subscribed(store: KeyValue, channel: str) -> None:
    """Returns when somebody listens to the channel."""
    async with asyncio.timeout(20):
        while True:
            ((_, listeners),) = await store.client.pubsub_numsub(channel)
            if listeners:
                return
            await asyncio.sleep(0.02)


async def test_what_is_published_is_heard_by_channel_and_by_pattern(store: KeyValue, name: str) -> None:
    subscription = store.subscribe(channels=[name], patterns=[f"{name}:*"])
    first = asyncio.create_task(heard(subscription))
    await subscribed(store, name)
    await store.publish(name, b"one")
    assert await first == Published(name, b"one")
    second = asyncio.create_task(heard(subscription))
    await store.publish(f"{name}:sub", b"\x00two")
    assert await second == Published(f"{name}:sub", b"\x00two")
    await subscription.aclose()  # type: ignore[attr-defined]


async def test_a_subscription_comes_back_after_a_restart_and_says_that_it_was_broken(
    infrastructure: EmbeddedInfrastructure, store: KeyValue, name: str
) -> None:
    subscription = store.subscribe(channels=[name])
    waiting = asyncio.create_task(heard(subscription))
    await subscribed(store, name)
    await asyncio.to_thread(infrastructure.hold, "valkey")
    try:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(store.get("x"), 10)
    finally:
        await asyncio.to_thread(infrastructure.resume, "valkey")
    assert await waiting == Published("", b"", lost=True)
    again = asyncio.create_task(heard(subscription))
    await subscribed(store, name)
    await store.publish(name, b"after")
    assert await again == Published(name, b"after")
    await subscription.aclose()  # type: ignore[attr-defined]
