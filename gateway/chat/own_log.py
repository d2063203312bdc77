"""The log of a turn that this process runs: what is shown was stored before.

One task writes what is new in all logs in one round trip. What comes meanwhile waits, and deltas that wait
are joined, so a busy or slow store makes pieces larger, never the turn slower. A store that does not answer
is not waited for: events are then shown at once, and written when it is back.
"""

import asyncio
from collections.abc import Callable, Sequence

from core.errors import Unavailable
from core.log import get_logger
from core.tasks import end_task
from gateway.chat import events
from gateway.chat.events import Event
from gateway.chat.live_log import ProcessLiveLog
from gateway.chat.log_store import FENCED, Append, Entry, LogStore, Seam
from gateway.metrics import LOG_STORE_FAILURES

log = get_logger(__name__)

STORE_DEADLINE_SECONDS = 1.0
PAUSE_SECONDS = 1.0
# Of one turn in one round trip; the rest goes with the next.
MOST_AT_ONCE = 500
KEEP_ENDED_SECONDS = 900


class OwnLog:
    """Events of one turn, numbered here.

    Args:
        attempt: which try of the turn this is; the store refuses all but the newest.
        keep: seconds that the stored log outlives its last event while the turn runs.
        on_fenced: called once, when another process has taken the turn over.
    """

    def __init__(
        self, turn_id: str, attempt: int, keep: int, writer: "LogWriter", on_fenced: Callable[[], None]
    ) -> None:
        self.turn_id = turn_id
        self.shown = ProcessLiveLog()
        self.lost = False
        self.delta_ends: list[int] = []
        self._attempt = attempt
        self._keep = keep
        self._writer = writer
        self._on_fenced = on_fenced
        self._length = 0
        self._pieces: list[str] = []
        self._seam = Seam()
        self._entries: list[Entry] = []
        self._statuses: list[Entry] = []
        self._stored = 0
        self._changed = asyncio.Event()

    def restore(self, entries: Sequence[Entry], lengths: Sequence[int]) -> None:
        """Begin with what an earlier runner has stored; `lengths` are the characters of its deltas."""
        self._entries = list(entries)
        self._stored = len(entries)
        for length in lengths:
            self._length += length
            self.delta_ends.append(self._length)
        self.shown.show([entry.event for entry in entries])

    def delta(self, text: str, seam: Seam) -> None:
        """More of the answer; joined to what waits."""
        self._pieces.append(text)
        self._seam.tokens += seam.tokens
        self._seam.held = seam.held
        self._seam.prompt = self._seam.prompt or seam.prompt
        self._seam.ttft_ms = self._seam.ttft_ms or seam.ttft_ms
        self._writer.wake(self)

    def event(self, kind: str, data: bytes) -> None:
        """Any other event; whatever waits comes before it."""
        self.number()
        self._append(kind, data, None)
        self._writer.wake(self)

    def status(self, state: str, place: int | None = None) -> None:
        """Tell followers how it goes, outside of the log."""
        event = events.status(state, place)
        self.shown.tell(event)
        self._statuses.append(Entry(event))
        self._writer.wake(self)

    def number(self) -> None:
        """Make an event of the text that waits; `delta_ends` is complete afterwards."""
        if not self._pieces:
            return
        text, seam = "".join(self._pieces), self._seam
        self._pieces, self._seam = [], Seam()
        self._length += len(text)
        self.delta_ends.append(self._length)
        self._append(*events.delta(text), seam)

    async def flushed(self) -> None:
        """Until everything is shown, which a store that is away does not prevent."""
        while not self.lost and (self._pieces or self.shown.length < len(self._entries)):
            self._changed.clear()
            await self._changed.wait()

    def _append(self, kind: str, data: bytes, seam: Seam | None) -> None:
        self._entries.append(Entry(Event(len(self._entries) + 1, kind, data), seam))

    def next_append(self) -> Append:
        """What the store does not have yet."""
        self.number()
        fresh = self._entries[self._stored : self._stored + MOST_AT_ONCE]
        statuses, self._statuses = self._statuses, []
        ended = bool(self._entries) and self._entries[-1].event.terminal
        keep = KEEP_ENDED_SECONDS if ended else self._keep
        return Append(self.turn_id, self._attempt, [*fresh, *statuses], keep)

    def stored(self, last: int) -> None:
        """The store has everything up to the event `last`."""
        if last == FENCED:
            self.give_up()
            self._on_fenced()
        else:
            self._stored = min(last, len(self._entries))
            self.show(self._stored)
            if self._stored < len(self._entries) or self._pieces:
                self._writer.wake(self)
        self._changed.set()

    def not_stored(self) -> None:
        """The store is away: show what there is, keep it for later."""
        self.number()
        self.show(len(self._entries))
        self._changed.set()

    def give_up(self) -> None:
        """It cannot be shown on here: its followers look elsewhere, and nobody waits for it."""
        self.lost = True
        self._pieces.clear()
        self.shown.move()
        self._changed.set()

    def show(self, last: int) -> None:
        """Let followers see up to the event `last`."""
        if last > self.shown.length:
            self.shown.show([entry.event for entry in self._entries[self.shown.length : last]])

    @property
    def behind(self) -> bool:
        """Whether the store lacks something."""
        return self._stored < len(self._entries)


class LogWriter:
    """Writes the logs of this process."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._waiting: dict[str, OwnLog] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._call: asyncio.Task[Sequence[int]] | None = None
        self._late: dict[str, OwnLog] = {}
        self._retry: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="log-writer")

    async def stop(self) -> None:
        """Write what waits, within a bound."""
        if self._task is not None:
            await end_task(self._task)
            self._task = None
        waiting, self._waiting = self._waiting, {}
        if waiting:
            await self._write([own for own in waiting.values() if not own.lost])
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._call is not None and not self._call.done():
            self._call.cancel()
            await asyncio.wait({self._call}, timeout=1)

    def wake(self, own: OwnLog) -> None:
        """Something waits in this log."""
        self._waiting[own.turn_id] = own
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, {}
            try:
                await self._write([own for own in waiting.values() if not own.lost])
            except Exception:
                # Whatever it was: what is new is shown, and written with what comes next.
                log.exception("log_writer.crashed")
                self._later([own for own in waiting.values() if not own.lost])

    async def _write(self, logs: Sequence[OwnLog]) -> None:
        if asyncio.get_running_loop().time() < self._away_until:
            self._later(logs)
            return
        try:
            answers = await self._store_within_deadline([own.next_append() for own in logs])
        except Unavailable as error:
            LOG_STORE_FAILURES.inc()
            log.warning("log_store.away", logs=len(logs), error=error.detail)
            self._away_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
            self._later(logs)
            return
        for own, last in zip(logs, answers, strict=True):
            own.stored(last)

    async def _store_within_deadline(self, appends: Sequence[Append]) -> Sequence[int]:
        """Not awaited beyond the deadline; a write that is still under way then is let finish by itself."""
        if self._call is not None and not self._call.done():
            raise Unavailable("The log store has not answered yet.")
        self._call = asyncio.create_task(self._store.append(appends), name="log-store-append")
        done, _ = await asyncio.wait({self._call}, timeout=STORE_DEADLINE_SECONDS)
        if not done:
            raise Unavailable("The log store takes too long.")
        return self._call.result()

    def _later(self, logs: Sequence[OwnLog]) -> None:
        """Show what there is now, and write it when the pause is over: one timer for all of them."""
        for own in logs:
            try:
                own.not_stored()
            except Exception:
                # One log that is broken must not keep the others of this process from being written.
                log.exception("log_writer.log_broken", turn_id=own.turn_id)
                own.give_up()
                continue
            self._late[own.turn_id] = own
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._again)

    def _again(self) -> None:
        self._retry = None
        late, self._late = self._late, {}
        for own in late.values():
            if own.behind and not own.lost:
                self.wake(own)
