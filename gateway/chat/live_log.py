"""The log of a running turn as followers see it: events in order, read from any number at one's own pace."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from gateway.chat.events import Event, status

# Finished logs stay this many for late followers; older ones are replayed from Postgres.
KEEP_FINISHED = 256
RUNNING = status("running")


class LiveLog(Protocol):
    """One turn's events."""

    def follow(self, after: int, idle: float) -> AsyncIterator[Sequence[Event]]:
        """Events numbered above `after`, in batches of whatever is there, until the terminal one.

        After `idle` seconds without one an empty batch comes. It ends without a terminal event when the log
        goes on elsewhere.
        """
        ...


class ProcessLiveLog:
    """A list that followers read at their own pace: a slow one costs nothing but its own position."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._status: Event | None = None
        self._told = 0
        self._moved = False
        self._changed = asyncio.Event()

    @property
    def finished(self) -> bool:
        return bool(self._events) and self._events[-1].terminal

    @property
    def moved(self) -> bool:
        """Whether it goes on elsewhere."""
        return self._moved

    @property
    def length(self) -> int:
        """How many events there are."""
        return len(self._events)

    def show(self, events: Sequence[Event]) -> None:
        """Add events, numbered on from what is there. Raises RuntimeError when they are not."""
        if not events:
            return
        if self.finished:
            raise RuntimeError("a turn has exactly one terminal event")
        if [event.seq for event in events] != list(range(self.length + 1, self.length + len(events) + 1)):
            raise RuntimeError("the events of a log have no gaps")
        self._events.extend(events)
        self._wake()

    def tell(self, status: Event) -> None:
        """Let those who follow know how it goes, and those who come while it is not as usual."""
        self._status = status
        self._told += 1
        self._wake()

    def move(self) -> None:
        """It goes on elsewhere: followers leave after what is here."""
        self._moved = True
        self._wake()

    async def follow(self, after: int, idle: float) -> AsyncIterator[Sequence[Event]]:
        position = max(0, after)
        # Who comes while the answer waits for another engine is told that it does.
        told = self._told if self._status in (None, RUNNING) else self._told - 1
        while True:
            if self.finished:
                # Somebody who has seen everything, or claims more than there was, is told the end again.
                position = min(position, len(self._events) - 1)
            changed = self._changed
            batch = self._events[position:]
            if batch:
                position += len(batch)
                yield batch
                if batch[-1].terminal:
                    return
                continue
            if self._told != told and self._status is not None:
                told = self._told
                yield [self._status]
                continue
            if self._moved:
                return
            try:
                async with asyncio.timeout(idle):
                    await changed.wait()
            except TimeoutError:
                yield ()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class ProcessLiveLogs:
    """The logs of turns that this process runs or has run lately."""

    def __init__(self) -> None:
        self._running: dict[str, ProcessLiveLog] = {}
        # Those that were found to be over, the first of them first.
        self._over: OrderedDict[str, ProcessLiveLog] = OrderedDict()

    def __len__(self) -> int:
        return len(self._running) + len(self._over)

    def add(self, turn_id: str, log: ProcessLiveLog) -> None:
        """Let a log be found; of the finished ones, as many as are kept."""
        self.discard(turn_id)
        self._running[turn_id] = log
        # Somebody waits for this turn to begin: what was found to be over is not looked at again.
        for known, other in list(self._running.items()):
            if other.finished or other.moved:
                self._over[known] = self._running.pop(known)
        while len(self._over) > KEEP_FINISHED:
            self._over.popitem(last=False)

    def get(self, turn_id: str) -> ProcessLiveLog | None:
        """The log if it can be followed here, else None."""
        log = self._running.get(turn_id) or self._over.get(turn_id)
        return None if log is None or log.moved else log

    def move_all(self) -> None:
        """No log is followed here any longer."""
        for log in self._running.values():
            if not log.finished:
                log.move()

    def discard(self, turn_id: str) -> None:
        """Forget the log of a turn that was refused before it began."""
        self._running.pop(turn_id, None)
        self._over.pop(turn_id, None)
