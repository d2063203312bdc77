"""Begins runs: by hand, again, and for a promotion that waits for one."""

from core.postgres import Connection, Postgres
from core.telemetry import new_traceparent
from gateway.evaluations.jobs import request_case
from gateway.evaluations.repository import EvaluationRepository
from gateway.evaluations.schemas import NewRun, RunOut, RunState
from gateway.jobs.repository import JobRepository


class Evaluations:
    """What a worker then does is in gateway.evaluations.jobs."""

    def __init__(self, postgres: Postgres, repository: EvaluationRepository, jobs: JobRepository) -> None:
        self._postgres = postgres
        self._repository = repository
        self._jobs = jobs

    async def begin(self, user_id: str, new: NewRun) -> RunOut:
        """Charged to whoever asks. Raises core.errors.NotFound."""
        async with self._postgres.transaction() as connection:
            run = await self._repository.begin(connection, new.set, new.name, new.revision, None, user_id)
            await self._request(connection, run, user_id)
        return run

    async def again(self, user_id: str, run_id: str, revision: str | None) -> RunOut:
        """The cases of an earlier run, as they were. Raises core.errors.NotFound."""
        async with self._postgres.transaction() as connection:
            run = await self._repository.begin_again(connection, run_id, user_id, revision)
            await self._request(connection, run, user_id)
        return run

    async def for_promotion(
        self, connection: Connection, set_name: str, name: str, revision: str, promotion_id: str
    ) -> RunOut:
        """The run that a promotion waits for, begun where there is none; inside the caller's transaction.
        Charged to whoever made the set. Raises core.errors.NotFound."""
        run = await self._repository.of_promotion(connection, promotion_id)
        if run is None:
            run = await self._repository.begin(connection, set_name, name, revision, promotion_id, None)
            await self._request(connection, run, await self._repository.owner(connection, run.id))
        return run

    async def over(self, connection: Connection, promotion_id: str) -> RunOut | None:
        """The run that a promotion waited for, where it had begun: nobody waits for it any more."""
        run = await self._repository.of_promotion(connection, promotion_id)
        if run is None or run.state is not RunState.RUNNING:
            return run
        await self._repository.end(
            connection, run.id, RunState.BROKEN, "No verdict: the promotion ended before."
        )
        return await self._repository.of_promotion(connection, promotion_id)

    async def _request(self, connection: Connection, run: RunOut, user_id: str) -> None:
        await request_case(
            self._jobs,
            connection,
            user_id=user_id,
            run_id=run.id,
            case=0,
            traceparent=new_traceparent(None),
        )
