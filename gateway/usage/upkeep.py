"""Keeps the ledger tidy: renews reservations or gives them back, books what dead processes owed."""

import asyncio
from pathlib import Path
from typing import Final

from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task
from gateway.usage.booking import BATCH, BookingQueue
from gateway.usage.journal import Orphan, orphans
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Kind

log = get_logger(__name__)

# Well below a reservation's life, so that several misses in a row cost nothing.
INTERVAL_SECONDS: Final = 10.0
MOST_ORPHANS_PER_ROUND: Final = 20


class LedgerUpkeep:
    """One loop in every gateway process. Two that do the same at once do no harm.

    Args:
        directory: where the journals of all gateway processes of this machine are.
    """

    def __init__(self, ledger: LedgerRepository, booking: BookingQueue, directory: Path) -> None:
        self._ledger = ledger
        self._booking = booking
        self._directory = directory
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ledger-upkeep")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def step(self) -> None:
        """One round. Raises core.errors.Unavailable."""
        held = self._booking.reserved()
        if held:
            await self._ledger.renew(Kind.API, held)
        await self._adopt()
        lapsed = await self._ledger.lapse()
        if lapsed:
            log.warning("ledger.reservations_lapsed", count=lapsed)

    async def _adopt(self) -> None:
        for _ in range(MOST_ORPHANS_PER_ROUND):
            orphan = await asyncio.to_thread(_first_orphan, self._directory)
            if orphan is None:
                return
            try:
                for start in range(0, len(orphan.entries), BATCH):
                    await self._ledger.book(orphan.entries[start : start + BATCH])
            except BaseException:
                orphan.leave()
                raise
            orphan.done()
            if orphan.entries:
                log.warning("ledger.journal_replayed", entries=len(orphan.entries))

    async def _run(self) -> None:
        while True:
            try:
                await self.step()
            except HeadraceError as error:
                log.warning("ledger.upkeep_failed", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("ledger.upkeep_crashed")
            await asyncio.sleep(INTERVAL_SECONDS)


def _first_orphan(directory: Path) -> Orphan | None:
    return next(orphans(directory), None)
