"""The log of a running turn, and how to follow it from any number.

`LiveLogs` is what the rest of chat sees. `ProcessLiveLogs` keeps the logs in the process that runs the
turns; one that several processes share has the same methods.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from gateway.chat.events import Event

# Finished logs stay this many for late followers; older ones are replayed from Postgres.
KEEP_FINISHED = 256


class LiveLog(Protocol):
    """One turn's events. Only its runner appends."""

    def append(self, kind: str, data: bytes) -> Event:
        """Give the event the next number and wake the followers."""
        ...

    def follow(self, after: int, idle: float) -> AsyncIterator[Sequence[Event]]:
        """Events numbered above `after`, in batches of whatever is there, until the terminal one.

        After `idle` seconds without one an empty batch comes, so that a connection can be kept awake.
        """
        ...


class LiveLogs(Protocol):
    """The logs of running and lately finished turns."""

    def open(self, turn_id: str) -> LiveLog: ...

    def get(self, turn_id: str) -> LiveLog | None:
        """The log if it can be followed here, else None."""
        ...


class ProcessLiveLog:
    """A list that followers read at their own pace: a slow one costs nothing but its own position."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._changed = asyncio.Event()

    @property
    def finished(self) -> bool:
        return bool(self._events) and self._events[-1].terminal

    @property
    def length(self) -> int:
        """How many events there are."""
        return len(self._events)

    def append(self, kind: str, data: bytes) -> Event:
        if self.finished:
            raise RuntimeError("a turn has exactly one terminal event")
        event = Event(len(self._events) + 1, kind, data)
        self._events.append(event)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return event

    async def follow(self, after: int, idle: float) -> AsyncIterator[Sequence[Event]]:
        position = max(0, after)
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
            try:
                await asyncio.wait_for(changed.wait(), idle)
            except TimeoutError:
                yield ()


class ProcessLiveLogs:
    """Logs in this process's memory; finished ones are kept up to a bound."""

    def __init__(self) -> None:
        self._logs: OrderedDict[str, ProcessLiveLog] = OrderedDict()

    def open(self, turn_id: str) -> ProcessLiveLog:
        log = ProcessLiveLog()
        self._logs[turn_id] = log
        finished = [known for known, other in self._logs.items() if other.finished]
        for known in finished[: max(0, len(finished) - KEEP_FINISHED)]:
            del self._logs[known]
        return log

    def get(self, turn_id: str) -> ProcessLiveLog | None:
        return self._logs.get(turn_id)

    def discard(self, turn_id: str) -> None:
        """Forget the log of a turn that was refused before it began."""
        self._logs.pop(turn_id, None)
