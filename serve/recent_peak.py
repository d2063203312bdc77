"""The highest of the figures that were seen lately."""

from collections.abc import Callable


class RecentPeak:
    """Remembers for at least `seconds`, and for less than twice that."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._began = clock()
        self._before = 0
        self._now = 0

    def saw(self, figure: int) -> None:
        """One more of them."""
        self._go_on()
        self._now = max(self._now, figure)

    @property
    def value(self) -> int:
        """The highest; 0 when nothing was seen for long."""
        self._go_on()
        return max(self._before, self._now)

    def _go_on(self) -> None:
        passed = self._clock() - self._began
        if passed < self._seconds:
            return
        self._before = self._now if passed < 2 * self._seconds else 0
        self._now = 0
        self._began += passed - passed % self._seconds
