"""Bookings of API requests, written in batches so that no request waits for the database."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task
from gateway.metrics import BOOKINGS_WAITING, TOKENS
from gateway.usage.journal import Journal
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Kind

log = get_logger(__name__)

FLUSH_SECONDS = 0.2
BATCH = 500
# About a minute of the hardest load. A database that is away for longer than this fills it; then the
# oldest bookings are given up, loudly, rather than the process.
MAX_WAITING = 200_000


@dataclass(frozen=True, slots=True)
class _Open:
    entry: Entry
    reserved: bool


class BookingQueue:
    """Takes entries at once, writes them soon, and all of them before `stop` returns.

    Args:
        journal: keeps what is open and what waits beyond the death of this process.
    """

    def __init__(self, repository: LedgerRepository, journal: Journal) -> None:
        self._repository = repository
        self._journal = journal
        self._waiting: deque[Entry] = deque()
        self._open: dict[str, _Open] = {}
        self._to_release: deque[str] = deque(maxlen=MAX_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def start(self) -> None:
        self._journal.start()
        self._task = asyncio.create_task(self._run(), name="ledger-booking")

    async def stop(self) -> None:
        """Write what is left, within a bounded time; what cannot be written stays in the journal."""
        if self._task is None:
            return
        await end_task(self._task)
        self._task = None
        try:
            async with asyncio.timeout(5):
                await self.flush()
        except (HeadraceError, TimeoutError) as error:
            log.error("ledger.not_written_at_stop", entries=len(self._waiting), error=repr(error))
        self._journal.stop(nothing=not self._open and not self._waiting)

    def open(self, entry: Entry, *, reserved: bool) -> None:
        """A request goes to an engine. `entry` is what is booked of it should this process be killed.

        Each one is followed by `add` or by `drop` with the same reference.
        """
        self._open[entry.reference] = _Open(entry, reserved)
        self._journal.opened(entry)

    def drop(self, reference: str) -> None:
        """An opened request cost nothing; what it reserved is given back."""
        opened = self._open.pop(reference, None)
        self._journal.dropped(reference)
        if opened is not None and opened.reserved:
            self._to_release.append(reference)
            self._wake.set()

    def add(self, entry: Entry) -> None:
        """Book `entry` soon."""
        if len(self._waiting) >= MAX_WAITING:
            lost = self._waiting.popleft()
            log.error("ledger.overflow", reference=lost.reference, model=lost.model)
        self._waiting.append(entry)
        self._open.pop(entry.reference, None)
        self._journal.booked(entry)
        TOKENS.labels(entry.model, "prompt").inc(entry.tokens.prompt)
        TOKENS.labels(entry.model, "completion").inc(entry.tokens.completion)
        self._wake.set()

    def reserved(self) -> Sequence[str]:
        """The references of open requests that hold a reservation, or whose booking still waits."""
        held = [reference for reference, opened in self._open.items() if opened.reserved]
        return held + [entry.reference for entry in self._waiting if entry.kind is Kind.API]

    async def flush(self) -> None:
        """Write what waits now. Raises core.errors.Unavailable."""
        while self._waiting:
            await self._flush()
        while self._to_release:
            batch = [self._to_release[index] for index in range(min(BATCH, len(self._to_release)))]
            await self._repository.release(Kind.API, batch)
            for _ in batch:
                self._to_release.popleft()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
                self._forget()
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

    def _forget(self) -> None:
        """Everything that the journal holds besides these has been written."""
        self._journal.keep_only(
            (opened.entry for opened in self._open.values()),
            self._waiting,
            nothing=not self._open and not self._waiting,
        )
