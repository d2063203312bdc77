"""Which revision a conversation or a key belongs to.

Weighted rendezvous hashing: every revision draws a number for the conversation, scaled by its weight, and the
highest wins. So one conversation stays with one revision without anything being stored, every process chooses
alike, and a revision that gains weight takes conversations over without moving any among the others.
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import Protocol, TypeVar


class Weighted(Protocol):
    @property
    def revision(self) -> str: ...

    @property
    def weight(self) -> int: ...


W = TypeVar("W", bound=Weighted)

_RANGE = 2**64


def choose(options: Sequence[W], sticky: str) -> W:
    """The one of `options`, whose weights are above 0, that `sticky` belongs to."""
    if len(options) == 1:
        return options[0]
    return max(options, key=lambda option: _score(option, sticky))


def ranked(options: Sequence[W], sticky: str) -> Sequence[W]:
    """All of them, the one that `choose` takes first: the others take over in this order."""
    if len(options) == 1:
        return options
    return sorted(options, key=lambda option: _score(option, sticky), reverse=True)


def _score(option: Weighted, sticky: str) -> float:
    # Kept inside (0, 1), where the logarithm is finite and below 0.
    drawn = int.from_bytes(blake2b(f"{option.revision}\0{sticky}".encode(), digest_size=8).digest())
    return -option.weight / log((drawn + 0.5) / _RANGE)
