"""What a start of a gateway wants, and what it leaves to operators."""

import asyncio

from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import Desired, Origin, State
from tests.gateway.routing.conftest import spec


async def wanted(revisions: RevisionRepository) -> dict[tuple[str, str], int]:
    return {row.key: row.weight for row in await revisions.listed() if row.desired is Desired.SERVING}


async def test_a_configured_model_gets_its_traffic(revisions: RevisionRepository) -> None:
    await revisions.want_configured([spec("a"), spec("b")])
    assert await wanted(revisions) == {("a", "r1"): 100, ("b", "r1"): 100}


async def test_another_revision_in_the_catalogue_takes_the_place_of_the_one_before(
    revisions: RevisionRepository,
) -> None:
    await revisions.want_configured([spec("a", "r1")])
    await revisions.want_configured([spec("a", "r2")])
    assert await wanted(revisions) == {("a", "r2"): 100}
    await revisions.want_configured([])
    assert await wanted(revisions) == {}


async def test_what_an_operator_decided_survives_every_start(revisions: RevisionRepository) -> None:
    await revisions.want_configured([spec("a"), spec("b")])
    async with revisions.deciding("a") as connection:
        await revisions.want(connection, spec("a", "r2"), Origin.OPERATOR)
        await revisions.take_charge(connection, "a")
        await revisions.set_weights(connection, "a", {"r2": 100})
    for specs in ([spec("a"), spec("b")], [spec("b")], [spec("a", "r7"), spec("b")]):
        await revisions.want_configured(specs)
        assert await wanted(revisions) == {("a", "r1"): 0, ("a", "r2"): 100, ("b", "r1"): 100}


async def test_gateways_that_start_together_want_the_same(revisions: RevisionRepository) -> None:
    await asyncio.gather(*(revisions.want_configured([spec("a"), spec("b")]) for _ in range(4)))
    assert await wanted(revisions) == {("a", "r1"): 100, ("b", "r1"): 100}


async def test_a_revision_that_failed_sets_out_anew_when_it_is_wanted_again(
    revisions: RevisionRepository,
) -> None:
    await revisions.want_configured([spec("a")])
    await revisions.observe("a", "r1", State.FAILED, "no memory")
    await revisions.want_configured([spec("a")])
    (row,) = await revisions.all()
    assert (row.state, row.detail) == (State.PENDING, None)
    await revisions.observe("a", "r1", State.READY, None, 1)
    await revisions.want_configured([spec("a")])
    (row,) = await revisions.all()
    assert (row.state, row.replicas) == (State.READY, 1)


async def test_a_retired_revision_is_left_running_until_every_gateway_knows(
    revisions: RevisionRepository,
) -> None:
    slow = RevisionRepository(revisions._postgres, retire_after=60)
    await slow.want_configured([spec("a")])
    await slow.observe("a", "r1", State.READY, None)
    await slow.want_configured([])
    (row,) = await slow.all()
    assert (row.desired, row.weight, row.retire_due) == (Desired.RETIRED, 0, False)
    async with revisions.deciding("a") as connection:
        await revisions.retire(connection, "a", "r1")
    (row,) = await revisions.all()
    assert row.retire_due
