"""Percentiles, bootstrap intervals and ratios."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.intervals import bootstrap, percentile, ratios

VALUES = st.lists(st.floats(min_value=0.01, max_value=1e6), min_size=1, max_size=40)


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 0) == 1
    assert percentile(values, 1) == 100
    assert percentile([3.0], 0.99) == 3


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match="nothing"):
        bootstrap([])


@given(VALUES)
def test_an_interval_contains_its_median_and_stays_within_the_values(values: list[float]) -> None:
    found = bootstrap(values, resamples=100)
    assert min(values) <= found.low <= found.high <= max(values)
    assert min(values) <= found.median <= max(values)


def test_an_interval_of_equal_values_is_that_value() -> None:
    assert bootstrap([2.0] * 9) == bootstrap([2.0])
    assert bootstrap([2.0] * 9).high == 2


def test_more_rounds_make_the_interval_narrower() -> None:
    generator = random.Random(4)
    values = [generator.gauss(10, 1) for _ in range(200)]
    few, many = bootstrap(values[:8]), bootstrap(values)
    assert many.high - many.low < few.high - few.low


def test_an_interval_is_the_same_every_time() -> None:
    values = [1.0, 4.0, 2.0, 8.0, 5.0]
    assert bootstrap(values) == bootstrap(values)


def test_ratios_are_taken_pair_by_pair() -> None:
    assert ratios([1.0, 9.0], [2.0, 3.0]) == [0.5, 3.0]


def test_a_pair_without_a_figure_is_left_out() -> None:
    assert ratios([1.0, 0.0, 4.0], [2.0, 3.0, 0.0]) == [0.5]


def test_rounds_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])
