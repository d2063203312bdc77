"""Logs of turns that other processes run, kept in step for those who follow them here."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from core.errors import Unavailable
from core.keyvalue import StreamEntry, StreamTail
from core.log import get_logger
from core.tasks import end_task
from gateway.chat.live_log import ProcessLiveLog
from gateway.chat.log_store import LogStore, log_key, read_entry

log = get_logger(__name__)

# A new follower waits at most this long for its first events; each wait asks for all logs at once.
WAIT_SECONDS = 0.1
MOST_ENTRIES = 1000
PAUSE_SECONDS = 0.5


@dataclass
class _Mirror:
    shown: ProcessLiveLog = field(default_factory=ProcessLiveLog)
    followers: int = 0
    position: str = "0-0"


class Mirrors:
    """One reader for all logs that somebody follows in this process."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._mirrors: dict[str, _Mirror] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="log-mirrors")

    def leave(self) -> None:
        """Followers go elsewhere after what is here."""
        for mirror in self._mirrors.values():
            mirror.shown.move()

    async def stop(self) -> None:
        self.leave()
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    @asynccontextmanager
    async def of(self, turn_id: str) -> AsyncIterator[ProcessLiveLog]:
        """The log of a turn, in step as long as somebody holds it."""
        key = log_key(turn_id)
        mirror = self._mirrors.get(key)
        if mirror is None or mirror.shown.moved:
            mirror = self._mirrors[key] = _Mirror()
        mirror.followers += 1
        self._wanted.set()
        try:
            yield mirror.shown
        finally:
            mirror.followers -= 1
            if mirror.followers == 0 and self._mirrors.get(key) is mirror:
                del self._mirrors[key]

    async def _run(self) -> None:
        tail = self._store.tail()
        try:
            while True:
                await self._wanted.wait()
                try:
                    await self._read(tail)
                except Unavailable:
                    self._give_up()
                    await asyncio.sleep(PAUSE_SECONDS)
                except Exception:
                    log.exception("log_mirrors.crashed")
                    self._give_up()
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await tail.close()

    async def _read(self, tail: StreamTail) -> None:
        positions = {
            key: mirror.position for key, mirror in self._mirrors.items() if not mirror.shown.finished
        }
        if not positions:
            self._wanted.clear()
            return
        for key, entries in (await tail.read(positions, WAIT_SECONDS, MOST_ENTRIES)).items():
            mirror = self._mirrors.get(key)
            if mirror is not None and mirror.position == positions.get(key):
                _take_in(mirror, entries)

    def _give_up(self) -> None:
        """Followers look elsewhere, and come back."""
        mirrors, self._mirrors = self._mirrors, {}
        for mirror in mirrors.values():
            mirror.shown.move()


def _take_in(mirror: _Mirror, entries: Sequence[StreamEntry]) -> None:
    for raw in entries:
        mirror.position = f"{raw.number}-{raw.part}"
        event = read_entry(raw).event
        if event.seq == 0:
            mirror.shown.tell(event)
        elif event.seq == mirror.shown.length + 1:
            mirror.shown.show([event])
        elif event.seq > mirror.shown.length:
            # The store has lost something; whoever follows reads what is in Postgres.
            mirror.shown.move()
            return
