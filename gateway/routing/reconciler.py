"""Makes the serving side match what Postgres wants; also after it was started from nothing."""

from collections.abc import Sequence

from core.errors import HeadraceError
from core.leader import Leader
from core.log import get_logger
from core.postgres import Postgres
from gateway.routing.control import Application, Control, DeployRefused
from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import Desired, RevisionRow, State

log = get_logger(__name__)

INTERVAL_SECONDS = 1.0
# One leader at a time, whichever gateway process holds this lock.
LEADER_LOCK = 0x4EAD_0002
# Control may be away for a moment while the models still answer; only then are they called lost.
MISSES_BEFORE_LOST = 5


class Reconciler:
    """A loop that compares and corrects. Every step is idempotent, so that two leaders would do no harm."""

    def __init__(
        self, postgres: Postgres, repository: RevisionRepository, control: Control, *, lock: int = LEADER_LOCK
    ) -> None:
        self._repository = repository
        self._control = control
        self._leader = Leader(postgres, name="reconciler", lock=lock, work=self._round)
        self._misses = 0
        self._sent: dict[tuple[str, str], str] = {}

    async def start(self) -> None:
        await self._leader.start()

    async def stop(self) -> None:
        await self._leader.stop()

    async def _round(self) -> float:
        await self.step()
        return INTERVAL_SECONDS

    async def step(self) -> None:
        """Compare once. Raises core.errors.Unavailable when the database does not answer."""
        rows = await self._repository.all()
        try:
            seen = {(app.model, app.revision): app for app in await self._control.applications()}
        except HeadraceError as error:
            await self._missed(rows, error)
            return
        self._misses = 0
        for row in rows:
            try:
                await self._reconcile(row, seen.get(row.key))
            except HeadraceError as error:
                # One revision's trouble does not keep the others waiting.
                log.warning(
                    "reconciler.step_failed", model=row.key[0], revision=row.key[1], error=error.detail
                )

    async def _missed(self, rows: Sequence[RevisionRow], error: HeadraceError) -> None:
        self._misses += 1
        log.warning("reconciler.control_failed", error=error.detail, misses=self._misses)
        if self._misses >= MISSES_BEFORE_LOST:
            self._sent.clear()
            for row in rows:
                if row.desired is Desired.SERVING:
                    await self._observe(
                        row, State.PENDING, "The serving side is not answering; it is restarted."
                    )

    async def _reconcile(self, row: RevisionRow, app: Application | None) -> None:
        if row.desired is Desired.RETIRED:
            if app is None:
                self._sent.pop(row.key, None)
                await self._observe(row, State.RETIRED, None)
            elif row.retire_due and app.state != State.DRAINING:
                await self._control.retire(*row.key)
                await self._observe(row, State.DRAINING, None, app.replicas)
            else:
                await self._observe(row, State.DRAINING, None, app.replicas)
            return
        wanted = row.spec.model_dump_json()
        # Asked for once more after a failure.
        again = row.state is State.PENDING and app is not None and app.state is State.FAILED
        if app is not None and self._sent.get(row.key) == wanted and not again:
            await self._observe(row, app.state, app.message or None, app.replicas, app.weights or None)
            return
        try:
            # Sent when the application is missing, and once by each new leader: control compares the
            # specifications and does nothing when they are the same.
            await self._control.deploy(row.spec)
            self._sent[row.key] = wanted
        except DeployRefused as error:
            await self._observe(row, State.FAILED, error.detail)
            return
        if app is None:
            await self._observe(row, State.STARTING, None)

    async def _observe(
        self,
        row: RevisionRow,
        state: State,
        detail: str | None,
        replicas: int = 0,
        weights: str | None = None,
    ) -> None:
        if (row.state, row.detail, row.replicas, row.weights) == (
            state,
            detail,
            replicas,
            weights or row.weights,
        ):
            return
        if await self._repository.observe(*row.key, state, detail, replicas, weights):
            log.info("model.state", model=row.spec.name, revision=row.key[1], state=state, detail=detail)
