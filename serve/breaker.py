"""A circuit breaker: a service that fails and fails is left alone for a while, then asked once."""

import random
import time
from collections.abc import Callable
from typing import Final

# Failures in a row; one success in between starts the count anew.
MOST_FAILURES: Final = 5
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
# What those are told to wait who come while one asks whether the service is back.
PROBE_S: Final = 1.0


class Open(Exception):
    """The service is not asked now. `seconds` until it may be."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"not asked for {seconds:.1f} s")


class Breaker:
    """Closed while the service answers, open after `MOST_FAILURES` in a row, half open after a pause: one
    request goes through then, and decides. Each failure of that one doubles the pause.

    Whoever is admitted says later how it went, with what `admit` returned.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock, self._chance = clock, chance
        self._failures = 0
        self._pause = FIRST_PAUSE_S
        self._opens_at: float | None = None
        self._probing = False

    @property
    def closed(self) -> bool:
        """Whether everybody is admitted."""
        return self._opens_at is None

    def admit(self) -> bool:
        """Whether this request is the one that decides. Raises Open."""
        if self._opens_at is None:
            return False
        wait = self._opens_at - self._clock()
        if wait > 0:
            raise Open(wait)
        if self._probing:
            raise Open(PROBE_S)
        self._probing = True
        return True

    def succeeded(self, probe: bool) -> None:
        """It answered. Also somebody who was admitted before it was left alone shows that it lives."""
        self._failures, self._pause, self._opens_at = 0, FIRST_PAUSE_S, None
        if probe:
            self._probing = False

    def failed(self, probe: bool) -> None:
        """It did not answer, or failed."""
        if probe:
            self._probing = False
            self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
            self._leave_alone()
        elif self._opens_at is None:
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                self._leave_alone()

    def abandoned(self, probe: bool) -> None:
        """Whoever asked left before there was an answer: nothing is known."""
        if probe:
            self._probing = False

    def _leave_alone(self) -> None:
        # A little by chance, so that many replicas do not come back at the same moment.
        self._opens_at = self._clock() + self._pause * (0.75 + 0.5 * self._chance())
