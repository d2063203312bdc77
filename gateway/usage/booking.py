"""Bookings of API requests, written in batches so that no request waits for the database."""

import asyncio
from collections import deque

from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task
from gateway.metrics import BOOKINGS_WAITING, TOKENS
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry

log = get_logger(__name__)

FLUSH_SECONDS = 0.2
BATCH = 500
# About a minute of the hardest load. A database that is away for longer than this fills it; then the
# oldest bookings are given up, loudly, rather than the process.
MAX_WAITING = 200_000


class BookingQueue:
    """Takes entries at once, writes them soon, and all of them before `stop` returns."""

    def __init__(self, repository: LedgerRepository) -> None:
        self._repository = repository
        self._waiting: deque[Entry] = deque()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ledger-booking")

    async def stop(self) -> None:
        """Write what is left, within a bounded time."""
        if self._task is None:
            return
        await end_task(self._task)
        self._task = None
        try:
            async with asyncio.timeout(5):
                while self._waiting:
                    await self._flush()
        except (HeadraceError, TimeoutError) as error:
            log.error("ledger.lost_at_stop", entries=len(self._waiting), error=repr(error))

    def add(self, entry: Entry) -> None:
        """Book `entry` soon."""
        if len(self._waiting) >= MAX_WAITING:
            lost = self._waiting.popleft()
            log.error("ledger.overflow", reference=lost.reference, model=lost.model)
        self._waiting.append(entry)
        TOKENS.labels(entry.model, "prompt").inc(entry.tokens.prompt)
        TOKENS.labels(entry.model, "completion").inc(entry.tokens.completion)
        self._wake.set()

    async def flush(self) -> None:
        """Write what waits now. Raises core.errors.Unavailable."""
        while self._waiting:
            await self._flush()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except HeadraceError as error:
                log.warning("ledger.write_failed", waiting=len(self._waiting), error=error.detail)
                self._wake.set()
                await asyncio.sleep(1)
            except Exception:
                # Kept for the next round: an entry is only taken out once it is written.
                log.exception("ledger.write_crashed", waiting=len(self._waiting))
                self._wake.set()
                await asyncio.sleep(1)

    async def _flush(self) -> None:
        batch = [self._waiting[index] for index in range(min(BATCH, len(self._waiting)))]
        BOOKINGS_WAITING.set(len(self._waiting))
        await self._repository.book(batch)
        # Taken out only now: a failed write leaves them in place, and a repeated one changes nothing.
        for entry in batch:
            if self._waiting and self._waiting[0] is entry:
                self._waiting.popleft()
        BOOKINGS_WAITING.set(len(self._waiting))
