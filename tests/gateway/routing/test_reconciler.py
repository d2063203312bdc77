"""The serving side is made to match what is wanted, whatever happened to it."""

import asyncio

from core.postgres import Postgres
from gateway.routing.fake import FakeControl
from gateway.routing.reconciler import MISSES_BEFORE_LOST, Reconciler
from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import State
from models.spec import ModelSpec
from tests.gateway.routing.conftest import spec


async def states(revisions: RevisionRepository) -> dict[tuple[str, str], State]:
    return {row.key: row.state for row in await revisions.all()}


async def settle(reconciler: Reconciler, steps: int = 4) -> None:
    for _ in range(steps):
        await reconciler.step()


async def test_what_is_missing_is_deployed_and_seen_through_to_ready(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a"), spec("b")])
    control.state = "warming"
    assert set((await states(revisions)).values()) == {State.PENDING}
    await reconciler.step()
    assert set((await states(revisions)).values()) == {State.STARTING}
    await reconciler.step()
    assert set((await states(revisions)).values()) == {State.WARMING}
    control.state = "ready"
    await reconciler.step()
    assert set((await states(revisions)).values()) == {State.READY}
    assert set(control.deployed) == {("a", "r1"), ("b", "r1")}


async def test_a_settled_world_is_left_alone(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec()])
    await settle(reconciler)
    control.calls.clear()
    before = await revisions.all()
    await settle(reconciler)
    assert control.calls == []
    assert await revisions.all() == before


async def test_what_is_not_wanted_any_more_is_retired_and_forgotten(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a"), spec("b")])
    await settle(reconciler)
    await revisions.want_configured([spec("b")])
    await reconciler.step()
    assert (await states(revisions))["a", "r1"] is State.DRAINING
    await reconciler.step()
    assert await states(revisions) == {("b", "r1"): State.READY}
    assert control.calls.count(("retire", "a", "r1")) == 1
    assert set(control.deployed) == {("b", "r1")}


async def test_what_was_retired_can_be_wanted_again(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a")])
    await settle(reconciler)
    await revisions.want_configured([])
    await settle(reconciler)
    assert control.deployed == {}
    await revisions.want_configured([spec("a")])
    assert (await states(revisions))["a", "r1"] is State.PENDING
    await settle(reconciler)
    assert (await states(revisions))["a", "r1"] is State.READY


async def test_a_serving_side_that_was_started_from_nothing_gets_everything_back(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a"), spec("b")])
    await settle(reconciler)
    control.away = True
    await settle(reconciler, MISSES_BEFORE_LOST + 2)
    assert set((await states(revisions)).values()) == {State.PENDING}
    control.away = False
    control.deployed.clear()
    await settle(reconciler)
    assert set((await states(revisions)).values()) == {State.READY}
    assert set(control.deployed) == {("a", "r1"), ("b", "r1")}


async def test_a_serving_side_that_forgot_everything_between_two_looks_gets_it_back(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a")])
    await settle(reconciler)
    control.deployed.clear()
    await settle(reconciler)
    assert (await states(revisions))["a", "r1"] is State.READY
    assert ("a", "r1") in control.deployed


async def test_a_moment_of_silence_takes_no_model_away(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a")])
    await settle(reconciler)
    for _ in range(3):
        control.away = True
        await settle(reconciler, MISSES_BEFORE_LOST - 1)
        assert (await states(revisions))["a", "r1"] is State.READY
        control.away = False
        await reconciler.step()


async def test_a_refused_specification_is_failed_with_the_reason_and_asked_about_again(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    control.refuses["a", "r1"] = "resources.gpus is 4 and this cluster has 1."
    await revisions.want_configured([spec("a"), spec("b")])
    await settle(reconciler)
    rows = {row.key: row for row in await revisions.all()}
    assert (rows["a", "r1"].state, rows["a", "r1"].detail) == (
        State.FAILED,
        "resources.gpus is 4 and this cluster has 1.",
    )
    assert rows["b", "r1"].state is State.READY
    control.refuses.clear()
    await settle(reconciler)
    assert (await states(revisions))["a", "r1"] is State.READY


async def test_what_is_to_be_retired_runs_on_until_every_gateway_knows(
    postgres: Postgres, control: FakeControl
) -> None:
    revisions = RevisionRepository(postgres, retire_after=0.3)
    reconciler = Reconciler(postgres, revisions, control)
    await revisions.want_configured([spec("a")])
    await settle(reconciler)
    await revisions.want_configured([])
    await settle(reconciler)
    assert (await states(revisions))["a", "r1"] is State.DRAINING
    assert ("a", "r1") in control.deployed
    await asyncio.sleep(0.3)
    await settle(reconciler)
    assert control.deployed == {}
    assert await states(revisions) == {}


async def test_a_failed_revision_is_started_again_when_it_is_asked_for(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    control.state = "failed"
    await revisions.want_configured([spec("a")])
    await settle(reconciler)
    assert (await states(revisions))["a", "r1"] is State.FAILED
    control.calls.clear()
    await settle(reconciler)
    assert control.calls == []
    await revisions.want_configured([spec("a")])
    await reconciler.step()
    assert control.calls == [("deploy", "a", "r1")]


async def test_a_changed_specification_is_sent(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a")])
    await settle(reconciler)
    changed = spec("a", title="Renamed")
    await revisions.want_configured([changed])
    await settle(reconciler)
    assert control.deployed["a", "r1"] == changed


async def test_a_new_leader_sends_everything_once(
    postgres: Postgres, revisions: RevisionRepository, reconciler: Reconciler, control: FakeControl
) -> None:
    await revisions.want_configured([spec("a")])
    await settle(reconciler)
    control.calls.clear()
    successor = Reconciler(postgres, revisions, control)
    await settle(successor)
    assert control.calls == [("deploy", "a", "r1")]


async def test_the_trouble_of_one_revision_does_not_keep_the_others_waiting(
    reconciler: Reconciler, revisions: RevisionRepository, control: FakeControl
) -> None:
    deploy = control.deploy

    async def broken(wanted: ModelSpec) -> None:
        if wanted.name == "a":
            control.away = True
            try:
                await deploy(wanted)
            finally:
                control.away = False
        await deploy(wanted)

    control.deploy = broken  # type: ignore[method-assign]
    await revisions.want_configured([spec("a"), spec("b")])
    await settle(reconciler, MISSES_BEFORE_LOST + 2)
    assert await states(revisions) == {("a", "r1"): State.PENDING, ("b", "r1"): State.READY}
