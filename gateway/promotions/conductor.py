"""Takes every running promotion a step further, about once a second."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from core.clock import Clock
from core.errors import HeadraceError, NotFound
from core.log import get_logger
from core.postgres import Connection
from core.tasks import end_task
from gateway.evaluations.schemas import RunState
from gateway.evaluations.service import Evaluations
from gateway.figures.repository import FigureRepository
from gateway.figures.tables import Figures
from gateway.promotions import harm
from gateway.promotions.receipt import as_json, from_json, numbers, receipt_of
from gateway.promotions.repository import PromotionRepository
from gateway.promotions.tables import PromotionRow, PromotionState
from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import Desired, Origin, RevisionRow, State

log = get_logger(__name__)

INTERVAL_SECONDS: Final = 1.0
# So far back the old revision's figures are looked at, beside those of the promotion's own time.
HISTORY: Final = timedelta(minutes=30)
# A new revision that is away for longer than this while traffic moves to it has failed.
AWAY_SECONDS: Final = 30.0
# What an old revision takes beyond its own drain time.
DRAIN_SLACK_SECONDS: Final = 60.0


class Conductor:
    """A loop in every gateway. A step of a promotion is one transaction that looks first whether another
    gateway was quicker, so that nobody has to lead.
    """

    def __init__(
        self,
        revisions: RevisionRepository,
        promotions: PromotionRepository,
        figures: FigureRepository,
        evaluations: Evaluations,
        clock: Clock,
    ) -> None:
        self._evaluations = evaluations
        self._revisions = revisions
        self._promotions = promotions
        self._figures = figures
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="promotions")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def step(self) -> None:
        """Look at each one once. Raises core.errors.Unavailable."""
        for promotion_id in await self._promotions.running():
            found = await self._promotions.get(promotion_id)
            if found is None:
                continue
            try:
                await self._advance(found)
            except HeadraceError as error:
                # One promotion's trouble does not keep the others waiting.
                log.warning("promotion.step_failed", promotion=promotion_id, error=error.detail)
            except Exception:
                # Whatever it was, the others go on, and it is tried again.
                log.exception("promotion.step_crashed", promotion=promotion_id)

    async def _run(self) -> None:
        while True:
            try:
                await self.step()
            except HeadraceError as error:
                log.warning("promotion.paused", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("promotion.crashed")
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _advance(self, found: PromotionRow) -> None:
        since = (found.created_at - HISTORY) if found.state is PromotionState.MOVING else None
        history = await self._figures.since(since, found.name) if since is not None else {}
        now_figures = await self._figures.since(found.created_at, found.name)
        async with self._revisions.deciding(found.name) as connection:
            row = await self._promotions.current(connection, found.id)
            if row is None or row.state is not found.state or row.step != found.step:
                return
            rows = {item.key[1]: item for item in await self._revisions.of_name(connection, row.name)}
            if row.state is PromotionState.WARMING:
                await self._warm(connection, row, rows, now_figures)
            elif row.state is PromotionState.MOVING:
                await self._watch(connection, row, rows, now_figures, history)
            else:
                await self._drain(connection, row, rows)

    async def _warm(
        self,
        connection: Connection,
        row: PromotionRow,
        rows: Mapping[str, RevisionRow],
        figures: Mapping[tuple[str, str], Figures],
    ) -> None:
        new = rows.get(row.revision)
        if row.stop_asked:
            await self._end(connection, row, rows, PromotionState.ROLLED_BACK, "It was called off.")
        elif new is None:
            await self._end(connection, row, rows, PromotionState.FAILED, "The revision is not there.")
        elif new.desired is not Desired.SERVING:
            await self._revisions.want(connection, new.spec, Origin.OPERATOR)
        elif new.state is State.FAILED:
            reason = new.detail or "see its log"
            await self._end(connection, row, rows, PromotionState.FAILED, f"It does not start: {reason}")
        elif new.state is State.READY:
            if await self._evaluated(connection, row, rows):
                await self._move(connection, row, 0, row.steps, figures)
        elif self._seconds_since(row.created_at) > row.plan.warm_seconds:
            reason = f"It was not ready within {row.plan.warm_seconds:.0f} s."
            await self._end(connection, row, rows, PromotionState.FAILED, reason)
        else:
            await self._promotions.say(connection, row.id, f"{row.revision} is {new.state}.")

    async def _evaluated(
        self, connection: Connection, row: PromotionRow, rows: Mapping[str, RevisionRow]
    ) -> bool:
        """Whether nothing more is asked of the revision; ends the promotion where it did not pass."""
        wanted = row.plan.evaluation
        if wanted is None:
            return True
        try:
            run = await self._evaluations.for_promotion(connection, wanted, row.name, row.revision, row.id)
        except NotFound as error:
            await self._end(connection, row, rows, PromotionState.FAILED, error.detail)
            return False
        if run.state is RunState.PASSED:
            return True
        if run.state is RunState.RUNNING and self._seconds_since(row.created_at) > row.plan.warm_seconds:
            reason = f"Evaluation {wanted} was not over within {row.plan.warm_seconds:.0f} s."
            await self._end(connection, row, rows, PromotionState.FAILED, reason)
        elif run.state is RunState.RUNNING:
            done = f"{len(run.results)} of {len(run.cases)} cases"
            await self._promotions.say(connection, row.id, f"Evaluation {wanted}: {done}.")
        else:
            reason = f"Evaluation {wanted}: {run.detail}"
            await self._end(connection, row, rows, PromotionState.FAILED, reason)
        return False

    async def _move(
        self,
        connection: Connection,
        row: PromotionRow,
        step: int,
        steps: Sequence[Mapping[str, Any]],
        figures: Mapping[tuple[str, str], Figures],
    ) -> None:
        percent = row.plan.steps[step]
        await self._revisions.set_weights(connection, row.name, shared(row.before, row.revision, percent))
        baseline = as_json(figures.get((row.name, row.revision), Figures()))
        await self._promotions.begin_step(connection, row.id, step, self._clock.now(), baseline, steps)
        log.info("promotion.moved", promotion=row.id, model=row.name, revision=row.revision, percent=percent)

    async def _watch(
        self,
        connection: Connection,
        row: PromotionRow,
        rows: Mapping[str, RevisionRow],
        figures: Mapping[tuple[str, str], Figures],
        history: Mapping[tuple[str, str], Figures],
    ) -> None:
        new = rows.get(row.revision)
        began = row.step_began_at or row.created_at
        waited = self._seconds_since(began)
        if row.stop_asked:
            await self._back(connection, row, rows, "It was rolled back by hand.")
            return
        if new is None or new.desired is not Desired.SERVING or new.state is State.FAILED:
            reason = new.detail if new is not None and new.detail else "It is not served any more."
            await self._back(connection, row, rows, reason)
            return
        if new.state is not State.READY:
            if self._seconds_since(new.updated_at) > AWAY_SECONDS:
                await self._back(connection, row, rows, f"It has been {new.state} for too long.")
            else:
                await self._promotions.say(connection, row.id, f"{row.revision} is {new.state}.")
            return
        mine = figures.get((row.name, row.revision), Figures()) - from_json(row.baseline or {})
        other = sum(
            (
                history.get((row.name, revision), Figures())
                for revision in row.before
                if revision != row.revision
            ),
            Figures(),
        )
        findings = harm.look(mine, other, row.plan.limits)
        done = self._step_done(row, mine, findings, began)
        worst = harm.harmful(findings, row.plan.alpha)
        if worst is not None:
            await self._back(connection, row, rows, harm.sentence(worst), [*row.steps, done])
            return
        judged = done["requests"]
        wanted = row.plan.min_requests
        if waited < row.plan.seconds or (judged < wanted and waited < row.plan.patience_seconds):
            await self._promotions.say(
                connection,
                row.id,
                f"{row.plan.steps[row.step]}% of the traffic for {waited:.0f} s; "
                f"{judged} of {wanted} requests.",
            )
            return
        steps = [*row.steps, done]
        if row.step + 1 < len(row.plan.steps):
            await self._move(connection, row, row.step + 1, steps, figures)
            return
        if row.plan.retire_old:
            for revision, item in rows.items():
                if revision != row.revision and item.desired is Desired.SERVING:
                    await self._revisions.retire(connection, row.name, revision)
        await self._promotions.begin_draining(connection, row.id, began, steps)

    async def _drain(
        self, connection: Connection, row: PromotionRow, rows: Mapping[str, RevisionRow]
    ) -> None:
        left = [
            item
            for revision, item in rows.items()
            if revision != row.revision
            and item.desired is Desired.RETIRED
            and item.state is not State.RETIRED
        ]
        allowed = max((item.spec.replicas.drain_timeout_s for item in left), default=0) + DRAIN_SLACK_SECONDS
        late = any(self._seconds_since(item.updated_at) > allowed for item in left)
        if left and not late:
            names = ", ".join(item.key[1] for item in left)
            await self._promotions.say(connection, row.id, f"{names} is finishing the answers it began.")
            return
        detail = "An old revision had not ended in its time." if left else None
        await self._end(connection, row, rows, PromotionState.PROMOTED, detail)

    async def _back(
        self,
        connection: Connection,
        row: PromotionRow,
        rows: Mapping[str, RevisionRow],
        reason: str,
        steps: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        await self._revisions.set_weights(connection, row.name, row.before)
        log.warning("promotion.went_back", promotion=row.id, model=row.name, reason=reason)
        await self._end(connection, row, rows, PromotionState.ROLLED_BACK, reason, steps)

    async def _end(
        self,
        connection: Connection,
        row: PromotionRow,
        rows: Mapping[str, RevisionRow],
        state: PromotionState,
        detail: str | None,
        steps: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        moved_at = row.step_began_at
        finished = lost = 0
        if state is PromotionState.PROMOTED and moved_at is not None:
            finished, lost = await self._promotions.streams_on_old(
                connection, row.name, [name for name in row.before if name != row.revision], moved_at
            )
        now = self._clock.now()
        run = await self._evaluations.over(connection, row.id) if row.plan.evaluation else None
        receipt = receipt_of(
            row,
            rows,
            state=state,
            detail=detail,
            steps=row.steps if steps is None else steps,
            ended_at=now,
            finished_on_old=finished,
            lost_on_old=lost,
            evaluation=run,
        )
        await self._promotions.end(connection, row.id, state, detail, now, receipt)
        log.info("promotion.ended", promotion=row.id, model=row.name, state=state, detail=detail)

    def _step_done(
        self, row: PromotionRow, mine: Figures, findings: Sequence[harm.Finding], began: datetime
    ) -> dict[str, Any]:
        before: Mapping[str, Any] = row.steps[-1]["until_now"] if row.steps else {}
        return {
            "percent": row.plan.steps[row.step],
            "began_at": began.isoformat(),
            "seconds": round(self._seconds_since(began), 1),
            "requests": mine.requests - before.get("requests", 0),
            "errors": mine.errors - before.get("errors", 0),
            "until_now": numbers(mine),
            "findings": [asdict(finding) for finding in findings],
        }

    def _seconds_since(self, moment: datetime) -> float:
        return (self._clock.now() - moment).total_seconds()


def shared(before: Mapping[str, int], revision: str, percent: int) -> Mapping[str, int]:
    """`percent` for `revision`, and the rest shared among the others as it was before."""
    others = {name: weight for name, weight in before.items() if name != revision and weight > 0}
    total, rest = sum(others.values()), 100 - percent
    weights = {name: max(1, round(rest * weight / total)) if rest else 0 for name, weight in others.items()}
    return {**weights, revision: percent}
