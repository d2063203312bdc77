"""The routing table: of a name's wanted revisions those that answer, by their share of the traffic."""

from collections import Counter
from datetime import datetime

import pytest

from core.errors import ModelNotFound, ModelNotReady, Unavailable
from gateway.routing import table as module
from gateway.routing.repository import RevisionRepository
from gateway.routing.table import Route, RoutingTable
from gateway.routing.tables import Origin, State
from tests.gateway.routing.conftest import spec


@pytest.fixture
def table(revisions: RevisionRepository) -> RoutingTable:
    return RoutingTable(revisions)


async def weigh(revisions: RevisionRepository, **weights: int) -> None:
    async with revisions.deciding("m") as connection:
        for revision in weights:
            await revisions.want(connection, spec("m", revision, context_window=2048), Origin.OPERATOR)
        await revisions.set_weights(connection, "m", weights)


async def test_traffic_is_shared_by_weight_among_those_that_answer(
    table: RoutingTable, revisions: RevisionRepository
) -> None:
    await weigh(revisions, r1=75, r2=25, r3=0)
    for revision in ("r1", "r2", "r3"):
        await revisions.observe("m", revision, State.READY, None)
    await table.refresh()
    chosen = Counter(table.resolve("m", f"cnv_{number}").revision for number in range(2000))
    assert 1350 < chosen["r1"] < 1650
    assert chosen["r1"] + chosen["r2"] == 2000
    target = table.resolve("m", "cnv_0")
    assert (target.path, target.context_window) == (f"/m/m/{target.revision}", 2048)
    # The other takes over while one is away.
    await revisions.observe("m", "r1", State.FAILED, "It crashed.")
    await table.refresh()
    assert {table.resolve("m", f"cnv_{number}").revision for number in range(50)} == {"r2"}


async def test_a_revision_that_was_ready_a_moment_ago_is_still_asked(
    table: RoutingTable, revisions: RevisionRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    await weigh(revisions, r1=60, r2=40)
    for revision in ("r1", "r2"):
        await revisions.observe("m", revision, State.READY, None)
    await table.refresh()
    await revisions.observe("m", "r1", State.STARTING, None)
    await table.refresh()
    assert {table.resolve("m", f"cnv_{number}").revision for number in range(20)} == {"r2"}
    await revisions.observe("m", "r2", State.STARTING, None)
    await table.refresh()
    assert {table.resolve("m", f"cnv_{number}").revision for number in range(50)} == {"r1", "r2"}
    assert table.routes()[0].row.state is State.STARTING
    monkeypatch.setattr(module, "LOST_SECONDS", 0.0)
    await table.refresh()
    with pytest.raises(ModelNotReady, match="starting"):
        table.resolve("m", "cnv_1")


async def test_the_revision_with_most_of_the_traffic_speaks_for_the_name(
    table: RoutingTable, revisions: RevisionRepository
) -> None:
    await weigh(revisions, r1=10, r2=90)
    await revisions.observe("m", "r1", State.READY, None)
    await table.refresh()
    (route,) = table.routes()
    assert (route.row.key, route.target and route.target.revision) == (("m", "r1"), "r1")
    await revisions.observe("m", "r2", State.READY, None)
    await table.refresh()
    assert table.routes()[0].row.key == ("m", "r2")
    assert table.target_of("m", "r1") is not None
    assert table.target_of("m", "r9") is None


async def test_a_revision_without_traffic_is_not_asked(
    table: RoutingTable, revisions: RevisionRepository
) -> None:
    await weigh(revisions, r1=0)
    await revisions.observe("m", "r1", State.READY, None)
    await table.refresh()
    with pytest.raises(ModelNotReady, match="given traffic"):
        table.resolve("m", "cnv_1")


async def test_a_name_is_stood_in_for_by_its_fallback_where_that_may_be_asked(
    table: RoutingTable, revisions: RevisionRepository
) -> None:
    await weigh(revisions, r1=60, r2=40)
    await revisions.want_configured([spec("other")])
    await revisions.observe("other", "r1", State.READY, None)
    async with revisions.deciding("m") as connection:
        await revisions.set_fallback(connection, "m", "other")
    await table.refresh()

    def asked(*, allowed: bool) -> list[tuple[str, str]]:
        targets = table.targets("m", "cnv_1", lambda name: allowed)
        return [(target.model, target.revision) for target in targets]

    # Nobody answers for the name itself.
    assert asked(allowed=True) == [("other", "r1")]
    with pytest.raises(ModelNotReady):
        asked(allowed=False)
    for revision in ("r1", "r2"):
        await revisions.observe("m", revision, State.READY, None)
    await table.refresh()
    first = table.resolve("m", "cnv_1").revision
    second = "r2" if first == "r1" else "r1"
    assert asked(allowed=True) == [("m", first), ("m", second), ("other", "r1")]
    assert asked(allowed=False) == [("m", first), ("m", second)]


async def test_a_name_that_nobody_has_is_not_found(table: RoutingTable) -> None:
    await table.refresh()
    with pytest.raises(ModelNotFound, match="'nobody'") as missing:
        table.resolve("nobody", "cnv_1")
    assert missing.value.param == "model"
    with pytest.raises(ModelNotFound) as long:
        table.resolve("x" * 10_000, "cnv_1")
    assert len(long.value.detail) < 200


@pytest.mark.parametrize("state", [State.PENDING, State.STARTING, State.WARMING, State.DRAINING])
async def test_a_model_that_is_not_ready_says_what_it_does(
    table: RoutingTable, revisions: RevisionRepository, state: State
) -> None:
    await revisions.want_configured([spec("m")])
    await revisions.observe("m", "r1", state, None)
    await table.refresh()
    with pytest.raises(ModelNotReady, match=state.value) as waiting:
        table.resolve("m", "cnv_1")
    assert waiting.value.retry
    assert waiting.value.retry_after is not None


async def test_a_failed_model_says_why(table: RoutingTable, revisions: RevisionRepository) -> None:
    await revisions.want_configured([spec("m")])
    await revisions.observe("m", "r1", State.FAILED, "no GPU is free")
    await table.refresh()
    with pytest.raises(ModelNotReady, match="no GPU is free"):
        table.resolve("m", "cnv_1")


async def test_a_retired_revision_does_not_answer(table: RoutingTable, revisions: RevisionRepository) -> None:
    await revisions.want_configured([spec("m")])
    await revisions.observe("m", "r1", State.READY, None)
    await revisions.want_configured([])
    await table.refresh()
    with pytest.raises(ModelNotFound):
        table.resolve("m", "cnv_1")
    assert table.routes() == []


async def test_listeners_hear_of_what_changed_and_of_nothing_else(
    table: RoutingTable, revisions: RevisionRepository
) -> None:
    heard: list[tuple[str, State]] = []

    def listen(route: Route) -> None:
        heard.append((route.name, route.row.state))

    table.on_change(listen)
    await revisions.want_configured([spec("a"), spec("b")])
    await table.refresh()
    await table.refresh()
    await revisions.observe("b", "r1", State.READY, None)
    await table.refresh()
    assert heard == [("a", State.PENDING), ("b", State.PENDING), ("b", State.READY)]


async def test_a_database_that_is_away_leaves_the_last_routes_in_use(
    table: RoutingTable, revisions: RevisionRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    await revisions.want_configured([spec("m")])
    await revisions.observe("m", "r1", State.READY, None)
    await table.refresh()

    async def away() -> None:
        raise Unavailable()

    monkeypatch.setattr(revisions, "all", away)
    with pytest.raises(Unavailable):
        await table.refresh()
    assert table.resolve("m", "cnv_1").revision == "r1"


async def test_since_when_a_model_has_been_waking_is_known_until_it_is_awake(
    revisions: RevisionRepository,
) -> None:
    await revisions.want_configured([spec("m")])

    async def since() -> datetime | None:
        (row,) = await revisions.all()
        return row.waking_since

    began = await since()
    assert began is not None
    for state, detail in [(State.STARTING, None), (State.STARTING, "fetching"), (State.WARMING, None)]:
        await revisions.observe("m", "r1", state, detail)
        assert await since() == began
    for asleep in (State.READY, State.FAILED, State.DRAINING):
        await revisions.observe("m", "r1", asleep, None)
        assert await since() is None
        await revisions.observe("m", "r1", State.STARTING, None)
        again = await since()
        assert again is not None
        assert again > began
