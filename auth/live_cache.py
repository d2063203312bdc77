"""A bounded cache of things that may be taken back at any moment."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# A revoked credential must be dead everywhere within 5 s, also where the announcement was lost.
LIVE_SECONDS = 4.0
# From here on a hit asks for the value anew while it is still served, so that no request waits for it.
RENEW_SECONDS = 2.5


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V
    renew_at: float
    dead_at: float


class LiveCache(Generic[K, V]):
    """Values by key, each at most LIVE_SECONDS old counted from the start of its load.

    Many who ask for the same missing key share one load. What does not exist is not remembered, so that
    guesses cannot push out what is in use. When full, the entry loaded longest ago goes.

    Args:
        load: fetches the value, or None where there is none; its errors reach those who wait for it.
        size: most entries kept.
    """

    def __init__(self, load: Callable[[K], Awaitable[V | None]], clock: Clock, *, size: int = 10_000) -> None:
        self._load = load
        self._clock = clock
        self._size = size
        self._entries: dict[K, _Entry[V]] = {}
        self._loading: dict[K, asyncio.Task[V | None]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: K) -> V | None:
        """The value, if it is known now; never waits."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock.monotonic()
        if now >= entry.renew_at:
            if now >= entry.dead_at:
                del self._entries[key]
                return None
            if key not in self._loading:
                self._begin(key)
        return entry.value

    async def get(self, key: K) -> V | None:
        """The value, loaded if need be; None where there is none."""
        value = self.peek(key)
        if value is not None:
            return value
        # The load is shared: one caller who leaves must not take it from the others.
        return await asyncio.shield(self._loading.get(key) or self._begin(key))

    def forget(self, key: K) -> None:
        """The next one who asks loads anew; a load that is under way is not kept."""
        self._entries.pop(key, None)
        self._loading.pop(key, None)

    def forget_where(self, matches: Callable[[V], bool]) -> None:
        """Like `forget`, for all whose value matches. Loads under way are not kept: theirs are not known."""
        for key in [key for key, entry in self._entries.items() if matches(entry.value)]:
            del self._entries[key]
        self._loading.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._loading.clear()

    def _begin(self, key: K) -> asyncio.Task[V | None]:
        task = asyncio.create_task(self._load_and_keep(key, self._clock.monotonic()))
        self._loading[key] = task
        # A renewal that fails has nobody who waits for it; the adapter below has logged why.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _load_and_keep(self, key: K, started: float) -> V | None:
        current = asyncio.current_task()
        try:
            value = await self._load(key)
        finally:
            mine = self._loading.get(key) is current
            if mine:
                del self._loading[key]
        if mine:
            self._entries.pop(key, None)
            if value is not None:
                if len(self._entries) >= self._size:
                    del self._entries[next(iter(self._entries))]
                self._entries[key] = _Entry(value, started + RENEW_SECONDS, started + LIVE_SECONDS)
        return value
