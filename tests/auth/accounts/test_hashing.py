import asyncio
import threading

import pytest
from passlib.handlers.argon2 import argon2

from auth.accounts.hashing import LANES, MEMORY_KIB, PASSES, Argon2Hasher
from core.errors import Overloaded


async def test_hashes_are_argon2id_of_at_least_19_mib_two_passes_one_lane() -> None:
    assert MEMORY_KIB >= 19 * 1024
    hasher = Argon2Hasher(threads=1)
    await hasher.start()
    made = await hasher.hash("seven quiet turbines")
    await hasher.stop()
    assert made.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
    assert PASSES >= 2


async def test_every_byte_of_a_password_counts() -> None:
    hasher = Argon2Hasher(memory_kib=64, passes=1)
    await hasher.start()
    long = "x" * 127
    made = await hasher.hash(long + "a")
    assert await hasher.verify(long + "a", made)
    assert not await hasher.verify(long + "b", made)
    assert not await hasher.verify(long, made)
    with_nul = await hasher.hash("before\x00after")
    assert not await hasher.verify("before\x00later", with_nul)
    await hasher.stop()


async def test_hashing_runs_off_the_event_loop() -> None:
    hasher = Argon2Hasher(threads=1)
    await hasher.start()
    seen: list[str] = []
    await hasher._run(lambda: seen.append(threading.current_thread().name))
    await hasher.stop()
    assert seen[0].startswith("argon2")


@pytest.mark.parametrize(
    ("weaker", "is_weak"),
    [
        ({"type": "ID", "memory_cost": 1024, "rounds": 2}, False),
        ({"type": "ID", "memory_cost": 4096, "rounds": 3}, False),
        ({"type": "ID", "memory_cost": 512, "rounds": 2}, True),
        ({"type": "ID", "memory_cost": 1024, "rounds": 1}, True),
        ({"type": "I", "memory_cost": 1024, "rounds": 2}, True),
    ],
)
def test_only_hashes_made_with_less_are_weak(weaker: dict[str, object], is_weak: bool) -> None:
    made = argon2.using(parallelism=1, **weaker).hash("seven quiet turbines")
    assert Argon2Hasher(memory_kib=1024, passes=2).is_weak(made) is is_weak


async def test_an_unreadable_hash_opens_nothing_and_counts_as_weak() -> None:
    hasher = Argon2Hasher(memory_kib=64, passes=1)
    await hasher.start()
    for broken in ("plain text", "$argon2id$v=19$m=64", "$2b$12$abc", ""):
        assert not await hasher.verify("plain text", broken)
        assert hasher.is_weak(broken)
    await hasher.stop()


async def test_beyond_the_bound_callers_are_refused_at_once_and_the_others_served() -> None:
    hasher = Argon2Hasher(memory_kib=64, passes=1, threads=1, most_waiting=3)
    await hasher.start()
    held = threading.Event()
    waiting = [asyncio.ensure_future(hasher._run(held.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await hasher.hash("one too many")
    held.set()
    assert all(await asyncio.gather(*waiting))
    assert await hasher.hash("room again")
    await hasher.stop()
