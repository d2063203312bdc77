"""Keeps this runner's lease, and takes over turns whose runner is gone."""

import asyncio
import time
from dataclasses import replace
from itertools import accumulate

import orjson

from core.errors import HeadraceError, Unavailable
from core.log import get_logger
from core.tasks import end_task
from gateway.chat.log_store import LogStore, StoredLog
from gateway.chat.repository import LEASE_SECONDS, Taken, TurnRepository
from gateway.chat.runner import TurnRunner
from gateway.chat.tables import TurnRow, TurnStatus
from gateway.events.bus import EventBus
from gateway.metrics import TURNS
from gateway.routing.table import RoutingTable

log = get_logger(__name__)

STEP_SECONDS = LEASE_SECONDS / 3
CHECKPOINT_SECONDS = 5.0


class TurnKeeper:
    """One loop: renew the lease, keep what runs here, take over what was abandoned anywhere.

    After a time in which this process could not renew its own lease, others could not either: their leases
    then say nothing, until one lease has passed.
    """

    def __init__(
        self,
        runner: TurnRunner,
        repository: TurnRepository,
        store: LogStore,
        routes: RoutingTable,
        bus: EventBus,
    ) -> None:
        self._runner = runner
        self._repository = repository
        self._store = store
        self._routes = routes
        self._bus = bus
        self._task: asyncio.Task[None] | None = None
        self._trusted_since: float | None = None
        self._checkpoint_at = 0.0

    async def start(self) -> None:
        await self._repository.renew(self._runner.name)
        # A database that answers now has not been away for everybody: leases that ran out, ran out.
        self._trusted_since = time.monotonic() - LEASE_SECONDS
        self._task = asyncio.create_task(self._run(), name="turn-keeper")

    async def stop(self) -> None:
        """Give up the lease, so that others go on at once with what is left."""
        if self._task is None:
            return
        await end_task(self._task)
        self._task = None
        try:
            await self._repository.retire(self._runner.name)
        except HeadraceError as error:
            log.warning("turn.runner_not_retired", error=error.detail)

    async def step(self) -> None:
        """Renew and look once. Raises core.errors.Unavailable."""
        now = time.monotonic()
        await self._repository.renew(self._runner.name)
        if self._trusted_since is None:
            self._trusted_since = now
        if now >= self._checkpoint_at:
            self._checkpoint_at = now + CHECKPOINT_SECONDS
            checkpoints = self._runner.checkpoints()
            if checkpoints:
                await self._repository.checkpoint(checkpoints)
        if now - self._trusted_since < LEASE_SECONDS:
            return
        for row in await self._repository.abandoned():
            if not self._runner.has_room:
                return
            await self._take_over(row)

    async def _run(self) -> None:
        while True:
            try:
                await self.step()
            except HeadraceError as error:
                self._trusted_since = None
                log.warning("turn.keeper_failed", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("turn.keeper_crashed")
            await asyncio.sleep(STEP_SECONDS)

    async def _take_over(self, row: TurnRow) -> None:
        taken = await self._repository.take(row, self._runner.name)
        if taken is None:
            return
        turn = row.start
        log.warning("turn.taken_over", turn_id=turn.id, runner=row.runner, attempt=taken.attempt)
        stored: StoredLog | None = None
        try:
            stored = await self._store.take(turn.id, taken.attempt, self._runner.keep_seconds)
        except Unavailable as error:
            log.warning("turn.log_lost", turn_id=turn.id, error=error.detail)
        target = self._routes.target_of(*row.served)
        # A log that was ended belongs to a runner that could not store the end.
        if stored is None or target is None or stored.ended:
            await self._end(row, taken, stored)
            return
        self._runner.adopt(turn, target, stored, taken)

    async def _end(self, row: TurnRow, taken: Taken, stored: StoredLog | None) -> None:
        """Nobody can go on with it: the turn ends with what its log, or else Postgres, has of it."""
        error: dict[str, object] = {
            "reason": "runner_lost",
            "message": "The server stopped while it was answering. What there was is kept. Try again.",
            "retry": True,
        }
        if stored is not None and stored.ended and stored.entries[-1].event.kind == "turn.failed":
            error = orjson.loads(stored.entries[-1].event.data)
        end = replace(row.end, status=TurnStatus.FAILED, error=error, exact=False)
        pieces = stored.pieces if stored is not None else []
        if pieces:
            end = replace(end, text="".join(pieces), delta_ends=list(accumulate(map(len, pieces))))
        # Every piece that was stored came with at least one token; the engine's own count is lost.
        made = max(len(end.delta_ends), stored.tokens_made if stored is not None else 0)
        end = replace(end, completion_tokens=made)
        if await self._repository.settle(row.start, end, taken.attempt):
            TURNS.labels(row.start.model, end.status.value).inc()
            log.warning("turn.abandoned", turn_id=row.start.id, runner=row.runner)
            await self._bus.publish(
                row.start.user_id,
                {
                    "type": "turn.ended",
                    "conversation_id": row.start.conversation_id,
                    "turn_id": row.start.id,
                    "status": end.status.value,
                },
            )
