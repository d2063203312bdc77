"""The counters in Valkey that all processes share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from core.errors import Unavailable
from core.keyvalue import KeyValue, translated

PREFIX = "headrace:limits"


@dataclass(frozen=True, slots=True)
class Window:
    """How one counter stands: what is left, and in how many seconds one more fits / all is free again."""

    remaining: int
    next_in: float
    free_in: float


class LimitStore:
    """Sliding windows.

    Raises (from every method): core.errors.Unavailable when Valkey does not answer within `deadline` seconds.
    """

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue
        self._storage: Any = None
        self._limiter: Any = None

    async def start(self) -> None:
        """Use the connections of `keyvalue`, which is started. Does not connect."""
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._keyvalue.client.connection_pool,
        )
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)

    async def hit(self, item: RateLimitItem, *who: str, cost: int = 1, deadline: float = 3.0) -> bool:
        """Count `cost` if it still fits."""
        async with _within(deadline):
            return bool(await self._limiter.hit(item, *who, cost=cost))

    async def window(self, item: RateLimitItem, *who: str, deadline: float = 3.0) -> Window:
        """How a counter stands."""
        async with _within(deadline):
            earlier, earlier_for, current, current_for = await self._storage.get_sliding_window(
                item.key_for(*who), item.get_expiry()
            )
        return _window(item.amount, item.get_expiry(), earlier, earlier_for, current, current_for)

    async def clear(self, item: RateLimitItem, *who: str) -> None:
        """Start a counter anew."""
        async with _within(3.0):
            await self._limiter.clear(item, *who)


def _window(
    amount: int, length: int, earlier: int, earlier_for: float, current: int, current_for: float
) -> Window:
    """What follows from the counts of the window before this one and of this one, and how long each lasts."""
    # The current count lives for the rest of its window and then one length more as the earlier one.
    until_next_window = max(0.0, current_for - length)
    used = earlier * earlier_for / length + current
    free_in = current_for if current else earlier_for
    if used + 1 <= amount:
        next_in = 0.0
    elif current + 1 > amount:
        next_in = until_next_window + length * (1 - (amount - 1) / current)
    else:
        next_in = min(earlier_for, (used + 1 - amount) * length / earlier)
    return Window(max(0, int(amount - used)), next_in, free_in)


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            with translated():
                yield
    except TimeoutError as late:
        raise Unavailable("The cache is not answering. Try again in a moment.", retry_after=2) from late
