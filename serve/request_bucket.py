"""How many requests a minute somebody else's service is sent."""

import time
from collections.abc import Callable


class RequestBucket:
    """A token bucket that holds six seconds' worth, and at least one request.

    Args:
        per_minute: None for no bound.
    """

    def __init__(self, per_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = None if per_minute is None else per_minute / 60
        self._most = 0.0 if self._rate is None else max(1.0, self._rate * 6)
        self._clock = clock
        self._left, self._at = self._most, clock()

    def take(self) -> float:
        """0.0 where the request may go now, else the seconds until one may."""
        if self._rate is None:
            return 0.0
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._rate
