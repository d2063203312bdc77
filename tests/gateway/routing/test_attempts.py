"""Who is asked next, and when nobody is."""

import asyncio
import time

import pytest

from core.errors import (
    EngineFailed,
    EngineLost,
    EngineTimeout,
    HeadraceError,
    Invalid,
    ModelNotReady,
    NoReplica,
    RateLimited,
)
from gateway.inference import Target
from gateway.routing import attempts as module
from gateway.routing.attempts import Attempts


def target(model: str, revision: str) -> Target:
    return Target(model, revision, "simulated", f"/m/{model}/{revision}", 1024, 256)


R1, R2, SPARE = target("m", "r1"), target("m", "r2"), target("spare", "r1")


@pytest.mark.parametrize("error", [EngineLost(), NoReplica()])
async def test_a_replica_that_is_gone_is_asked_for_once_more_and_then_the_others(
    error: HeadraceError,
) -> None:
    attempts = Attempts([R1, R2, SPARE])
    assert await attempts.after(error) is R1
    assert await attempts.after(error) is R2
    assert await attempts.after(error) is R2
    assert await attempts.after(error) is SPARE
    assert attempts.target is SPARE


async def test_where_nobody_else_is_the_same_one_is_asked_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    attempts = Attempts([R1])
    began, asked = time.monotonic(), 0
    with pytest.raises(NoReplica):
        while True:
            assert await attempts.after(NoReplica()) is R1
            asked += 1
    assert 2 <= asked <= 5
    assert time.monotonic() - began < 0.6


@pytest.mark.parametrize("error", [EngineFailed(), EngineTimeout(), ModelNotReady(), RateLimited()])
async def test_what_a_replica_could_not_do_is_asked_of_another_model_only(error: HeadraceError) -> None:
    attempts = Attempts([R1, R2, SPARE])
    assert await attempts.after(error) is SPARE
    with pytest.raises(type(error)):
        await attempts.after(error)
    with pytest.raises(type(error)):
        await Attempts([R1, R2]).after(error)


async def test_a_request_that_is_wrong_is_wrong_everywhere() -> None:
    with pytest.raises(Invalid):
        await Attempts([R1, SPARE]).after(Invalid())


async def test_a_request_outlives_several_replicas_but_not_any_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.05)
    attempts = Attempts([R1])
    for _ in range(module.MOST_LOSSES):
        # Found after a while, and lost again.
        await asyncio.sleep(0.15)
        assert await attempts.after(EngineLost()) is R1
    await asyncio.sleep(0.2)
    with pytest.raises(EngineLost):
        await attempts.after(EngineLost())
