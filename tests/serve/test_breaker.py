"""The circuit breaker, the retry budget and the bucket, with a clock that is moved by hand."""

import pytest

from serve.breaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, MOST_FAILURES, Breaker, Open
from serve.request_bucket import RequestBucket
from serve.retry_budget import RESERVE, RetryBudget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    # By chance in the middle: the pause itself.
    return Breaker(clock=clock, chance=lambda: 0.5)


def fail(breaker: Breaker, times: int = MOST_FAILURES) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit())


def test_failures_in_a_row_open_it_and_one_success_starts_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, MOST_FAILURES - 1)
    breaker.succeeded(breaker.admit())
    fail(breaker, MOST_FAILURES - 1)
    assert breaker.closed
    fail(breaker, 1)
    assert not breaker.closed
    with pytest.raises(Open) as told:
        breaker.admit()
    assert told.value.seconds == pytest.approx(FIRST_PAUSE_S)


def test_after_the_pause_one_is_admitted_and_decides(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += FIRST_PAUSE_S
    probe = breaker.admit()
    assert probe
    with pytest.raises(Open):
        breaker.admit()
    breaker.succeeded(probe)
    assert breaker.closed
    assert not breaker.admit()


def test_each_failure_of_the_one_doubles_the_pause_up_to_a_bound(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    pauses = []
    for _ in range(9):
        with pytest.raises(Open) as told:
            breaker.admit()
        pauses.append(told.value.seconds)
        clock.now += told.value.seconds
        breaker.failed(breaker.admit())
    assert pauses[:4] == pytest.approx([1, 2, 4, 8])
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_S)


def test_one_that_left_before_it_knew_leaves_its_place_to_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += FIRST_PAUSE_S
    breaker.abandoned(breaker.admit())
    assert breaker.admit()


def test_those_that_were_on_their_way_when_it_opened_do_not_make_it_longer(
    breaker: Breaker, clock: Clock
) -> None:
    early = [breaker.admit() for _ in range(3)]
    fail(breaker)
    for probe in early:
        breaker.failed(probe)
    clock.now += FIRST_PAUSE_S
    assert breaker.admit()


def test_retries_are_a_tenth_of_the_requests_and_a_few() -> None:
    budget, retries = RetryBudget(), 0
    for _ in range(1000):
        budget.earn()
        while budget.spend():
            retries += 1
    assert 100 <= retries <= 100 + RESERVE


def test_a_bucket_holds_six_seconds_and_says_when_to_come_back(clock: Clock) -> None:
    bucket = RequestBucket(60, clock)
    assert [bucket.take() for _ in range(7)] == [0.0] * 6 + [pytest.approx(1.0)]
    clock.now += 1
    assert bucket.take() == 0.0
    clock.now += 3600
    assert [bucket.take() for _ in range(7)][-1] == pytest.approx(1.0)
    assert {RequestBucket(None, clock).take() for _ in range(100)} == {0.0}
