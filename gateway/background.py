"""Small work that nobody waits for, but that is finished before the process ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from core.log import get_logger

log = get_logger(__name__)

MOST = 2_000
STOP_SECONDS = 5.0


class Background:
    """A bounded set of tasks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`; when there is far too much already, it is refused, loudly."""
        if len(self._tasks) >= MOST:
            work.close()
            log.error("background.refused", waiting=len(self._tasks))
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def stop(self) -> None:
        """Wait a bounded time for what runs."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background.failed", error=repr(task.exception()))
