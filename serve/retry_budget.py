"""How many requests may be sent again: a part of those that were sent, so that a service that fails is not
asked many times as often as one that works."""

from typing import Final

# A tenth of the requests, and a few at the beginning.
SHARE: Final = 0.1
RESERVE: Final = 5.0


class RetryBudget:
    """At 100% failure a service gets at most 1.1 calls a request, and five more."""

    def __init__(self) -> None:
        self._left = RESERVE

    def earn(self) -> None:
        """A request begins."""
        self._left = min(RESERVE, self._left + SHARE)

    def spend(self) -> bool:
        """Take one retry; False where there is none."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
