"""Percentiles, medians, and how sure a median is."""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and the bounds of its 95% bootstrap interval."""

    median: float
    low: float
    high: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the ascending values lie: the nearest rank.

    Raises ValueError when there are none.
    """
    if not ordered:
        raise ValueError("a percentile of nothing")
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def bootstrap(values: Sequence[float], seed: int = 1, resamples: int = RESAMPLES) -> Interval:
    """The median, and between which bounds 95% of the medians of resampled values lie.

    Raises ValueError when there are no values.
    """
    if not values:
        raise ValueError("an interval of nothing")
    generator = random.Random(seed)
    medians = sorted(statistics.median(generator.choices(values, k=len(values))) for _ in range(resamples))
    return Interval(statistics.median(values), percentile(medians, 0.025), percentile(medians, 0.975))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Pair by pair, one pair a round; a pair with a zero on either side says nothing and is left out.

    Raises ValueError when the rounds differ.
    """
    return [mine / other for mine, other in zip(ours, theirs, strict=True) if mine > 0 and other > 0]
