"""The end of a background task."""

import asyncio

from core.log import get_logger

log = get_logger(__name__)

AGAIN_SECONDS = 0.5


async def end_task(task: "asyncio.Task[None]") -> None:
    """Cancel `task` and wait until it is over; an error it ends with is logged.

    `asyncio.wait_for` of Python 3.11 can lose a cancellation that comes at the moment its awaitable is
    done, and database drivers use it: so a task that goes on is cancelled again.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_SECONDS)
    if not task.cancelled() and task.exception() is not None:
        log.error("task.failed", task=task.get_name(), error=repr(task.exception()))
