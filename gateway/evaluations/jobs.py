"""Asks a run's prompts, one a job, each job leaving the next one behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import ModelNotFound
from core.postgres import Connection, Postgres
from gateway.evaluations.checks import Judged
from gateway.evaluations.repository import EvaluationRepository
from gateway.evaluations.schemas import Case, Result, RunOut, RunState
from gateway.inference import Target
from gateway.jobs.completion import Completions
from gateway.jobs.repository import JobRepository
from gateway.jobs.tables import JobRow
from gateway.routing.table import RoutingTable

KIND: Final = "evaluation"
# Of an answer, in the results.
KEPT_CHARACTERS: Final = 2_000
VERDICT_TOKENS: Final = 64


@dataclass(frozen=True, slots=True)
class _Work:
    """What a job is about: a case, and its answer where that waits for its judge."""

    run: RunOut
    number: int
    case: Case
    answer: str | None


class EvaluationJobs:
    """A job asks for one answer, checks it, and books it; a judge is asked by a job of its own."""

    def __init__(
        self,
        postgres: Postgres,
        jobs: JobRepository,
        completions: Completions,
        routes: RoutingTable,
        evaluations: EvaluationRepository,
    ) -> None:
        self._postgres = postgres
        self._jobs = jobs
        self._completions = completions
        self._routes = routes
        self._evaluations = evaluations

    async def run(self, job: JobRow) -> None:
        """Raises: what the engine raises; the job is then tried again later."""
        work = await self._work(job)
        if work is None:
            async with self._postgres.transaction() as connection:
                await self._jobs.finish(connection, job, result=None, error=None)
            return
        try:
            target, messages, most = self._question(work, job)
        except ModelNotFound as error:
            # It will not come back: no try later would find it.
            await self.give_up(job, error.detail)
            return
        text, tokens = await self._completions.ask(job, target, messages, max_tokens=most)
        text = text.replace("\x00", "")
        async with self._postgres.transaction() as connection:
            if not await self._jobs.finish(connection, job, result={"case": work.number}, error=None):
                return
            await self._go_on(connection, job, work, text)
            await self._completions.charge(connection, job, target, tokens)

    async def give_up(self, job: JobRow, reason: str) -> None:
        """Without an answer there is no verdict."""
        async with self._postgres.transaction() as connection:
            if await self._jobs.finish(connection, job, result=None, error=reason):
                await self._evaluations.end(
                    connection, str(job.payload["run_id"]), RunState.BROKEN, f"No verdict: {reason}"
                )
                await self._completions.give_up(connection, job)

    async def _work(self, job: JobRow) -> _Work | None:
        """None where the run is over, or gone with its person."""
        run = await self._evaluations.get(str(job.payload["run_id"]))
        number = int(job.payload["case"])
        if run is None or run.state is not RunState.RUNNING or number != len(run.results):
            return None
        return _Work(run, number, run.cases[number], job.payload.get("answer"))

    def _question(self, work: _Work, job: JobRow) -> tuple[Target, Sequence[Mapping[str, str]], int]:
        """Whom to ask what, and how long the answer may be."""
        check = work.case.check
        if work.answer is not None and isinstance(check, Judged):
            judge = self._routes.resolve(check.model, job.id)
            return judge, check.prompt(work.case.prompt, work.answer), VERDICT_TOKENS
        target = self._routes.pinned(work.run.name, work.run.revision)
        system = [{"role": "system", "content": work.case.system_prompt}] if work.case.system_prompt else []
        messages = [*system, {"role": "user", "content": work.case.prompt}]
        return target, messages, min(work.case.max_tokens, target.max_output_tokens)

    async def _go_on(self, connection: Connection, job: JobRow, work: _Work, text: str) -> None:
        """What the text means: a result, and the next case or the end; or a question for the judge."""
        check = work.case.check
        if isinstance(check, Judged) and work.answer is None:
            await request_case(
                self._jobs,
                connection,
                user_id=job.user_id,
                run_id=work.run.id,
                case=work.number,
                traceparent=job.traceparent,
                answer=text,
            )
            return
        reason = check.wrong(text)
        shown = text if work.answer is None else work.answer
        result = Result(passed=reason is None, reason=reason, text=shown[:KEPT_CHARACTERS])
        await self._evaluations.add_result(connection, work.run.id, work.number, result)
        if work.number + 1 < len(work.run.cases):
            await request_case(
                self._jobs,
                connection,
                user_id=job.user_id,
                run_id=work.run.id,
                case=work.number + 1,
                traceparent=job.traceparent,
            )
            return
        state, detail = verdict(work.run, work.run.passed + result.passed)
        await self._evaluations.end(connection, work.run.id, state, detail)


def verdict(run: RunOut, passed: int) -> tuple[RunState, str]:
    """How a run ends in which so many cases passed."""
    asked = len(run.cases)
    # The share is what a person typed: 0.9 of 10 is 9, whatever floating point says.
    state = RunState.PASSED if passed >= round(run.pass_share * asked, 9) else RunState.FAILED
    return state, f"{passed} of {asked} cases passed; {run.pass_share:.0%} had to."


async def request_case(
    jobs: JobRepository,
    connection: Connection,
    *,
    user_id: str,
    run_id: str,
    case: int,
    traceparent: str,
    answer: str | None = None,
) -> None:
    """Inside the caller's transaction: a job for one case, or for the judge of its `answer`."""
    payload: dict[str, Any] = {"run_id": run_id, "case": case}
    if answer is not None:
        payload["answer"] = answer
    await jobs.enqueue(
        connection,
        kind=KIND,
        user_id=user_id,
        idempotency_key=f"{KIND}:{run_id}:{case}:{'asked' if answer is None else 'answered'}",
        payload=payload,
        traceparent=traceparent,
    )
