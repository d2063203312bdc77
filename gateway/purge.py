"""Forgets what was kept for a while only."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task

log = get_logger(__name__)

INTERVAL_SECONDS: Final = 600.0


class Purge:
    """A loop in every gateway process over `tasks`, each of which may be repeated at any time."""

    def __init__(self, tasks: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="purge")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def step(self) -> None:
        """One round; one that fails does not keep the others from their turn."""
        for purge in self._tasks:
            try:
                await purge()
            except HeadraceError as error:
                log.warning("purge.failed", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("purge.crashed")

    async def _run(self) -> None:
        while True:
            await self.step()
            await asyncio.sleep(INTERVAL_SECONDS)
