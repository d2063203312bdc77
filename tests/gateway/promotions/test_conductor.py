"""A promotion from its first step to its receipt, and every way back."""

import asyncio

import pytest

from core.errors import Conflict
from core.postgres import Postgres
from gateway.deployments.actor import Actor
from gateway.deployments.service import Deployments
from gateway.evaluations.repository import EvaluationRepository
from gateway.evaluations.schemas import Result, RunState, SetIn
from gateway.evaluations.service import Evaluations
from gateway.figures.recorder import FigureRecorder
from gateway.figures.repository import FigureRepository
from gateway.inference import Target
from gateway.jobs.repository import JobRepository
from gateway.promotions.conductor import Conductor, shared
from gateway.promotions.plan import Limits, Plan
from gateway.promotions.repository import PromotionRepository
from gateway.promotions.tables import PromotionRow, PromotionState
from gateway.routing.fake import FakeControl
from gateway.routing.reconciler import Reconciler
from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import Desired
from gateway.usage.tables import Tokens
from tests.auth.process import MovableClock
from tests.gateway.routing.conftest import spec

ACTOR = Actor()
QUICK = Plan(steps=[20, 100], seconds=10, min_requests=5, patience_seconds=60)


class SilentAudit:
    """Remembers what would be recorded."""

    def __init__(self) -> None:
        self.actions: list[str] = []

    async def record(self, action: str, *_: object, **__: object) -> None:
        self.actions.append(action)


class World:
    """Two revisions of one model, the first with all of the traffic."""

    def __init__(
        self, postgres: Postgres, revisions: RevisionRepository, control: FakeControl, reconciler: Reconciler
    ) -> None:
        self.clock = MovableClock()
        self.revisions, self.control, self.reconciler = revisions, control, reconciler
        self.figures = FigureRepository(postgres)
        self.recorder = FigureRecorder(self.figures, self.clock)
        self.promotions = PromotionRepository(postgres)
        self.audit = SilentAudit()
        self.postgres = postgres
        self.runs = EvaluationRepository(postgres)
        self.evaluations = Evaluations(
            postgres, self.runs, JobRepository(postgres, topic="none", lease_seconds=60)
        )
        self.deployments = Deployments(
            revisions,
            self.promotions,
            control,
            self.audit,  # type: ignore[arg-type]
            self.runs,
        )
        self.conductor = self.another_conductor()

    def another_conductor(self) -> Conductor:
        return Conductor(self.revisions, self.promotions, self.figures, self.evaluations, self.clock)

    async def begin(self, plan: Plan = QUICK, revision: str = "r2") -> PromotionRow:
        return await self.deployments.promote(ACTOR, "m", revision, plan)

    async def steps(self, count: int = 1, seconds: float = 0) -> None:
        for _ in range(count):
            self.clock.move(seconds=seconds)
            await self.recorder.flush()
            await self.reconciler.step()
            await self.conductor.step()

    def served(self, revision: str, requests: int, *, errors: int = 0, wait: float = 0.1) -> None:
        target = Target("m", revision, "simulated", f"/m/m/{revision}", 1024, 256)
        for number in range(requests):
            self.recorder.saw(
                target, failed=number < errors, wait=None if number < errors else wait, tokens=Tokens(1, 1)
            )

    async def weights(self) -> dict[str, int]:
        return {row.key[1]: row.weight for row in await self.revisions.listed("m")}

    async def now(self, row: PromotionRow) -> PromotionRow:
        found = await self.promotions.get(row.id)
        assert found is not None
        return found


@pytest.fixture
async def world(
    postgres: Postgres, revisions: RevisionRepository, control: FakeControl, reconciler: Reconciler
) -> World:
    made = World(postgres, revisions, control, reconciler)
    await revisions.want_configured([spec("m", "r1")])
    await made.deployments.add(ACTOR, spec("m", "r2", title="The second"))
    await made.steps(3)
    return made


async def test_traffic_moves_in_steps_and_the_old_revision_goes(world: World) -> None:
    row = await world.begin()
    # Warmed, and moved to the first step at once when it is ready.
    await world.steps(3)
    assert (await world.now(row)).state is PromotionState.MOVING
    assert await world.weights() == {"r1": 80, "r2": 20}
    # Neither the time alone nor the requests alone are enough.
    world.served("r2", 4)
    await world.steps(1, seconds=11)
    assert await world.weights() == {"r1": 80, "r2": 20}
    world.served("r2", 4)
    await world.steps()
    assert await world.weights() == {"r1": 0, "r2": 100}
    world.served("r2", 6)
    await world.steps(2, seconds=11)
    assert (await world.now(row)).state is PromotionState.DRAINING
    await world.steps(3)
    done = await world.now(row)
    assert done.state is PromotionState.PROMOTED
    assert set(world.control.deployed) == {("m", "r2")}
    receipt = done.receipt
    assert receipt is not None
    assert receipt["started_by"] == "command line"
    assert (receipt["outcome"], receipt["drops"], receipt["streams_finished_on_old"]) == ("promoted", 0, 0)
    assert [(step["percent"], step["requests"], step["errors"]) for step in receipt["steps"]] == [
        (20, 8, 0),
        (100, 6, 0),
    ]
    assert set(receipt["revisions"]) == {"r1", "r2"}
    assert receipt["revisions"]["r2"]["digest"] == spec("m", "r2", title="The second").digest
    assert world.audit.actions == ["model.added", "model.promotion_begun"]


async def test_a_revision_that_fails_requests_goes_back_at_once(world: World) -> None:
    row = await world.begin()
    await world.steps(3)
    world.served("r1", 50)
    world.served("r2", 6, errors=6)
    await world.steps()
    done = await world.now(row)
    assert done.state is PromotionState.ROLLED_BACK
    assert done.detail == "6 of 6 requests failed; 2% were tolerated."
    assert await world.weights() == {"r1": 100, "r2": 0}
    assert done.receipt is not None
    assert done.receipt["steps"][0]["errors"] == 6
    assert ("m", "r1") in world.control.deployed


async def test_a_slow_revision_goes_back(world: World) -> None:
    world.served("r1", 60, wait=0.1)
    row = await world.begin()
    await world.steps(3)
    world.served("r2", 30, wait=2.0)
    await world.steps()
    done = await world.now(row)
    assert done.state is PromotionState.ROLLED_BACK
    assert done.detail is not None
    assert "first tokens took longer" in done.detail


async def test_what_a_revision_did_before_does_not_count(world: World) -> None:
    row = await world.begin()
    await world.steps(3)
    world.served("r2", 6, errors=6)
    await world.steps()
    assert (await world.now(row)).state is PromotionState.ROLLED_BACK
    again = await world.begin()
    await world.steps(3)
    world.served("r2", 10)
    await world.steps(1, seconds=11)
    assert (await world.now(again)).step == 1


async def test_a_step_without_requests_goes_on_after_its_patience(world: World) -> None:
    row = await world.begin()
    await world.steps(3)
    await world.steps(1, seconds=30)
    waiting = await world.now(row)
    assert waiting.step == 0
    assert waiting.detail is not None
    assert "0 of 5 requests" in waiting.detail
    await world.steps(1, seconds=31)
    assert (await world.now(row)).step == 1


async def test_a_revision_that_does_not_start_touches_nothing(world: World) -> None:
    world.control.refuses["m", "r2"] = "resources.gpus is 4 and this cluster has 1."
    row = await world.begin()
    await world.steps(3)
    done = await world.now(row)
    assert done.state is PromotionState.FAILED
    assert done.detail == "It does not start: resources.gpus is 4 and this cluster has 1."
    assert await world.weights() == {"r1": 100, "r2": 0}
    assert done.receipt is not None
    assert done.receipt["outcome"] == "failed"


async def test_a_revision_that_never_gets_ready_is_given_up(world: World) -> None:
    world.control.state = "starting"
    row = await world.begin(Plan(warm_seconds=60))
    await world.steps(2)
    assert (await world.now(row)).detail == "r2 is starting."
    await world.steps(1, seconds=61)
    assert (await world.now(row)).state is PromotionState.FAILED


async def test_it_can_be_rolled_back_in_the_middle(world: World) -> None:
    row = await world.begin()
    await world.steps(3)
    assert (await world.deployments.rollback(ACTOR, "m")).id == row.id
    await world.steps()
    assert (await world.now(row)).state is PromotionState.ROLLED_BACK
    assert await world.weights() == {"r1": 100, "r2": 0}


async def test_one_that_only_waits_for_old_answers_cannot_be_called_off(world: World) -> None:
    row = await world.begin(Plan(steps=[100], seconds=0, min_requests=0))
    await world.steps(2)
    while (await world.now(row)).state is not PromotionState.DRAINING:
        await world.steps()
    with pytest.raises(Conflict, match="has moved"):
        await world.deployments.rollback(ACTOR, "m")
    await world.steps(3)
    assert (await world.now(row)).state is PromotionState.PROMOTED


async def test_a_promotion_that_is_over_can_be_undone(world: World) -> None:
    await world.begin(Plan(steps=[100], seconds=0, min_requests=0))
    await world.steps(6)
    assert set(world.control.deployed) == {("m", "r2")}
    back = await world.deployments.rollback(ACTOR, "m")
    assert back.revision == "r1"
    await world.steps(8)
    assert (await world.now(back)).state is PromotionState.PROMOTED
    assert set(world.control.deployed) == {("m", "r1")}
    assert await world.weights() == {"r1": 100, "r2": 0}


async def test_a_revision_that_dies_while_it_gets_traffic_goes_back(world: World) -> None:
    row = await world.begin()
    await world.steps(3)
    world.control.state = "failed"
    await world.steps()
    assert (await world.now(row)).state is PromotionState.ROLLED_BACK


async def test_gateways_that_step_together_take_each_step_once(world: World) -> None:
    row = await world.begin()
    others = [world.another_conductor() for _ in range(3)]
    for _ in range(8):
        world.served("r2", 6)
        world.clock.move(seconds=11)
        await world.recorder.flush()
        await world.reconciler.step()
        await asyncio.gather(*(one.step() for one in (world.conductor, *others)))
    done = await world.now(row)
    assert done.state is PromotionState.PROMOTED
    assert [step["percent"] for step in done.steps] == [20, 100]


async def test_the_old_revision_is_kept_where_that_is_asked_for(world: World) -> None:
    row = await world.begin(Plan(steps=[100], seconds=0, min_requests=0, retire_old=False))
    await world.steps(6)
    assert (await world.now(row)).state is PromotionState.PROMOTED
    assert [item.desired for item in await world.revisions.listed("m")] == [Desired.SERVING] * 2


def test_the_rest_of_the_traffic_is_shared_as_it_was() -> None:
    assert shared({"r1": 100}, "r2", 10) == {"r1": 90, "r2": 10}
    assert shared({"r1": 75, "r0": 25}, "r2", 20) == {"r1": 60, "r0": 20, "r2": 20}
    assert shared({"r1": 90, "r2": 10}, "r2", 50) == {"r1": 50, "r2": 50}
    assert shared({"r1": 99, "r0": 1}, "r2", 100) == {"r1": 0, "r0": 0, "r2": 100}
    assert shared({}, "r1", 100) == {"r1": 100}


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": [50]},
        {"steps": [50, 10, 100]},
        {"steps": [10, 10, 100]},
        {"steps": []},
        {"steps": [0, 100]},
        {"seconds": 30, "patience_seconds": 10},
        {"alpha": 0},
        {"limits": {"errors": 2}},
        {"speed": "fast"},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Plan.model_validate(wrong)
    assert Limits().errors == 0.02


CAPITALS = SetIn.model_validate(
    {"cases": [{"prompt": "The capital of France?", "check": {"kind": "contains", "text": "Paris"}}]}
)


async def evaluated(world: World, row: PromotionRow, state: RunState, result: Result) -> str:
    """Let the run that the promotion waits for end so; its id."""
    async with world.postgres.transaction() as connection:
        run = await world.runs.of_promotion(connection, row.id)
        assert run is not None
        await world.runs.add_result(connection, run.id, 0, result)
        await world.runs.end(connection, run.id, state, f"{int(result.passed)} of 1 cases passed.")
    return run.id


async def test_no_traffic_moves_before_the_revision_has_passed_its_evaluation(world: World) -> None:
    await world.runs.keep_set("usr_1", "capitals", CAPITALS)
    row = await world.begin(QUICK.model_copy(update={"evaluation": "capitals"}))
    await world.steps(5)
    waiting = await world.now(row)
    assert (waiting.state, waiting.detail) == (PromotionState.WARMING, "Evaluation capitals: 0 of 1 cases.")
    assert await world.weights() == {"r1": 100, "r2": 0}
    assert await world.postgres.fetchval("SELECT count(*) FROM jobs WHERE kind = 'evaluation'") == 1
    run_id = await evaluated(world, row, RunState.PASSED, Result(passed=True, reason=None, text="Paris"))
    await world.steps()
    assert await world.weights() == {"r1": 80, "r2": 20}
    async with world.revisions.deciding("m") as connection:
        await world.promotions.ask_to_stop(connection, row.id)
    await world.steps()
    receipt = (await world.now(row)).receipt
    assert receipt is not None
    assert receipt["evaluation"]["run"] == run_id
    assert (receipt["evaluation"]["outcome"], receipt["evaluation"]["failed"]) == ("passed", [])


async def test_a_revision_that_does_not_pass_gets_no_traffic_at_all(world: World) -> None:
    await world.runs.keep_set("usr_1", "capitals", CAPITALS)
    row = await world.begin(QUICK.model_copy(update={"evaluation": "capitals"}))
    await world.steps(4)
    wrong = Result(passed=False, reason="It does not contain 'Paris'.", text="Lyon")
    await evaluated(world, row, RunState.FAILED, wrong)
    await world.steps()
    over = await world.now(row)
    assert over.state is PromotionState.FAILED
    assert over.detail == "Evaluation capitals: 0 of 1 cases passed."
    assert await world.weights() == {"r1": 100, "r2": 0}
    assert over.receipt is not None
    assert over.receipt["evaluation"]["failed"] == [
        {"case": 0, "prompt": "The capital of France?", "reason": "It does not contain 'Paris'."}
    ]


async def test_a_set_that_is_deleted_in_the_meantime_lets_nothing_pass(world: World) -> None:
    await world.runs.keep_set("usr_1", "capitals", CAPITALS)
    row = await world.begin(QUICK.model_copy(update={"evaluation": "capitals"}))
    await world.runs.drop_set("capitals")
    await world.steps(4)
    over = await world.now(row)
    assert over.state is PromotionState.FAILED
    assert over.detail is not None and "no evaluation set" in over.detail
    assert await world.weights() == {"r1": 100, "r2": 0}


async def test_an_evaluation_that_never_ends_holds_nothing_up_for_ever(world: World) -> None:
    await world.runs.keep_set("usr_1", "capitals", CAPITALS)
    row = await world.begin(QUICK.model_copy(update={"evaluation": "capitals", "warm_seconds": 100}))
    await world.steps(4)
    await world.steps(1, seconds=101)
    over = await world.now(row)
    assert over.state is PromotionState.FAILED
    assert over.detail == "Evaluation capitals was not over within 100 s."
    assert over.receipt is not None and over.receipt["evaluation"]["outcome"] == "broken"


async def test_a_promotion_that_is_called_off_ends_its_evaluation(world: World) -> None:
    await world.runs.keep_set("usr_1", "capitals", CAPITALS)
    row = await world.begin(QUICK.model_copy(update={"evaluation": "capitals"}))
    await world.steps(4)
    await world.deployments.rollback(ACTOR, "m")
    await world.steps()
    over = await world.now(row)
    assert over.state is PromotionState.ROLLED_BACK
    assert over.receipt is not None
    assert over.receipt["evaluation"]["detail"] == "No verdict: the promotion ended before."
