"""Makes the serving side match what Postgres wants; also after it was started from nothing."""

import asyncio
from collections.abc import Sequence

from core.errors import HeadraceError
from core.log import get_logger
from core.postgres import Postgres
from core.tasks import end_task
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
        self._postgres = postgres
        self._lock = lock
        self._repository = repository
        self._control = control
        self._task: asyncio.Task[None] | None = None
        self._misses = 0
        self._sent: dict[tuple[str, str], str] = {}

    async def start(self) -> None:
        self._task = asyncio.create_task(self._lead_or_wait(), name="reconciler")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _lead_or_wait(self) -> None:
        while True:
            try:
                async with self._postgres.connection() as connection:
                    if await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                        try:
                            while True:
                                # Notices a lost connection, and with it the lost lock.
                                await connection.execute("SELECT 1")
                                await self.step()
                                await asyncio.sleep(INTERVAL_SECONDS)
                        finally:
                            if not connection.is_closed():
                                await connection.execute("SELECT pg_advisory_unlock($1)", self._lock)
            except HeadraceError as error:
                log.warning("reconciler.paused", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("reconciler.crashed")
            await asyncio.sleep(INTERVAL_SECONDS)

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
            elif app.state != State.DRAINING:
                await self._control.retire(*row.key)
                await self._observe(row, State.DRAINING, None)
            return
        wanted = row.spec.model_dump_json()
        if app is not None and self._sent.get(row.key) == wanted:
            await self._observe(row, app.state, app.message or None)
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

    async def _observe(self, row: RevisionRow, state: State, detail: str | None) -> None:
        if (row.state, row.detail) == (state, detail):
            return
        if await self._repository.observe(*row.key, state, detail):
            log.info("model.state", model=row.spec.name, revision=row.key[1], state=state, detail=detail)
