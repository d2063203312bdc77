"""Keeps the leases of running turns, and ends turns whose runner is gone."""

import asyncio
from dataclasses import replace

from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task
from gateway.chat.repository import LEASE_SECONDS, TurnRepository
from gateway.chat.runner import TurnRunner
from gateway.chat.tables import TurnRow, TurnStatus
from gateway.events.bus import EventBus
from gateway.metrics import TURNS

log = get_logger(__name__)

RENEW_SECONDS = LEASE_SECONDS / 3


class TurnKeeper:
    """One loop: renew what runs here, end what was abandoned anywhere."""

    def __init__(self, runner: TurnRunner, repository: TurnRepository, bus: EventBus) -> None:
        self._runner = runner
        self._repository = repository
        self._bus = bus
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="turn-keeper")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def step(self) -> None:
        """Renew and sweep once. Raises core.errors.Unavailable."""
        checkpoints = self._runner.checkpoints()
        if checkpoints:
            await self._repository.checkpoint(checkpoints)
        for row in await self._repository.abandoned():
            await self._end(row)

    async def _run(self) -> None:
        while True:
            try:
                await self.step()
            except HeadraceError as error:
                log.warning("turn.keeper_failed", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("turn.keeper_crashed")
            await asyncio.sleep(RENEW_SECONDS)

    async def _end(self, row: TurnRow) -> None:
        error = {
            "reason": "runner_lost",
            "message": "The server stopped while it was answering. What there was is kept. Try again.",
            "retry": True,
        }
        # Every piece that was stored came with at least one token; the engine's own count is lost.
        end = replace(
            row.end,
            status=TurnStatus.FAILED,
            error=error,
            completion_tokens=len(row.end.delta_ends),
            exact=False,
        )
        if await self._repository.settle(row.start, end):
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
