"""Tells those who wait for an engine how many are before them."""

import asyncio
from typing import Final

from core.clock import Clock
from core.log import get_logger
from core.tasks import end_task
from gateway.chat.runner import TurnRunner
from gateway.chat.running import RunningTurn
from gateway.routing.queues import Queues

log = get_logger(__name__)

ROUND_SECONDS: Final = 1.0
# Whoever waits no longer than this for a first word is not told that there is a queue.
PATIENT_SECONDS: Final = 1.5


class Places:
    """Looks once a second, where a turn of this process waits for its first word."""

    def __init__(self, runner: TurnRunner, queues: Queues, clock: Clock) -> None:
        self._runner = runner
        self._queues = queues
        self._clock = clock
        self._told: dict[str, tuple[RunningTurn, int]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="places")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def step(self) -> None:
        """One look."""
        before = self._clock.monotonic() - PATIENT_SECONDS
        waiting = {item.turn.id: item for item in self._runner.silent() if item.begun <= before}
        places = await self._places(waiting) if waiting else {}
        for turn_id, place in places.items():
            running = waiting[turn_id]
            known = self._told.get(turn_id)
            if running.ttft_ms is None and (known is None or known[1] != place):
                self._told[turn_id] = running, place
                running.log.status("queued", place)
        for turn_id in self._told.keys() - places.keys():
            # The engine has it; its first word may still take a moment.
            running, _ = self._told.pop(turn_id)
            if not running.called_off and not running.log.shown.finished:
                running.log.status("running")

    async def _places(self, waiting: dict[str, RunningTurn]) -> dict[str, int]:
        return {
            reference: place
            for queue in await self._queues.now()
            for place, reference in enumerate(queue.waiting, start=1)
            if reference in waiting
        }

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.step()
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("places.crashed")
