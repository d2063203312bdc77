"""Deletes for good what was deleted long ago."""

import asyncio
from typing import Final

from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task
from gateway.conversations.repository import ConversationRepository

log = get_logger(__name__)

EVERY_SECONDS: Final = 3600.0
# Conversations in one transaction, and transactions in one round: the rest waits for the next.
BATCH: Final = 5
MOST_BATCHES: Final = 2_000


class ConversationPurge:
    """One round after each start, and one an hour; several processes share the work."""

    def __init__(self, repository: ConversationRepository) -> None:
        self._repository = repository
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="conversation-purge")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def step(self) -> int:
        """One round; how many conversations were deleted. Raises core.errors.Unavailable."""
        purged = 0
        for _ in range(MOST_BATCHES):
            found = await self._repository.purge(BATCH)
            purged += found
            if found < BATCH:
                break
        return purged

    async def _run(self) -> None:
        while True:
            try:
                if purged := await self.step():
                    log.info("conversations.purged", count=purged)
            except HeadraceError as error:
                log.warning("conversations.purge_failed", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("conversations.purge_crashed")
            await asyncio.sleep(EVERY_SECONDS)
