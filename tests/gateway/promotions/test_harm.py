"""The sequential test: it seldom cries wolf however often it is asked, and it sees harm soon."""

import random

import pytest

from gateway.figures.tables import Figures, bucket_of
from gateway.promotions.harm import evidence, harmful, look, sentence
from gateway.promotions.plan import Limits

ALPHA = 0.01


def first_alarm(rate: float, tolerated: float, requests: int, seed: int) -> int | None:
    """After how many requests the evidence is enough, looking after each."""
    drawn = random.Random(seed)
    bad = 0
    for of in range(1, requests + 1):
        bad += drawn.random() < rate
        if evidence(bad, of, tolerated) >= 1 / ALPHA:
            return of
    return None


def test_it_seldom_cries_wolf_however_often_it_is_asked() -> None:
    # At the very edge of what is tolerated, where alarms are likeliest; looked at after every request.
    alarms = [first_alarm(0.05, 0.05, 400, seed) for seed in range(400)]
    share = sum(alarm is not None for alarm in alarms) / len(alarms)
    assert share <= ALPHA + 0.01


@pytest.mark.parametrize(("rate", "soon"), [(1.0, 3), (0.5, 25), (0.2, 150)])
def test_it_sees_harm_soon(rate: float, soon: int) -> None:
    alarms = [first_alarm(rate, 0.02, 600, seed) for seed in range(60)]
    assert None not in alarms
    assert sorted(alarm or 0 for alarm in alarms)[30] <= soon


def test_nothing_seen_is_no_evidence() -> None:
    assert evidence(0, 0, 0.02) == 1.0
    assert evidence(0, 100, 0.02) < 1
    assert evidence(100, 100, 0.0) > 1e6


def test_an_old_revision_that_fails_too_is_no_better() -> None:
    bad = Figures(requests=100, errors=40)
    assert harmful(look(bad, Figures(requests=200, errors=80), Limits()), ALPHA) is None
    found = harmful(look(bad, Figures(requests=200), Limits()), ALPHA)
    assert found is not None
    assert found.question == "errors"
    assert sentence(found) == "40 of 100 requests failed; 2% were tolerated."


def test_long_waits_are_harm_where_the_old_revision_was_quick() -> None:
    quick = Figures(requests=200, waits={bucket_of(0.2): 200})
    slow = Figures(requests=30, waits={bucket_of(2.0): 30})
    found = harmful(look(slow, quick, Limits()), ALPHA)
    assert found is not None
    assert found.question == "waits"
    assert "first tokens took longer than" in sentence(found)
    assert harmful(look(slow, quick, Limits(waits=20)), ALPHA) is None
    # Without enough of a history nothing can be called slow.
    few = Figures(requests=5, waits={bucket_of(0.2): 5})
    assert harmful(look(slow, few, Limits()), ALPHA) is None


def test_thumbs_down_are_harm() -> None:
    liked = Figures(requests=100, up=20, down=2)
    found = harmful(look(Figures(requests=60, up=1, down=20), liked, Limits()), ALPHA)
    assert found is not None
    assert found.question == "thumbs"
    assert harmful(look(Figures(requests=60, up=10, down=4), liked, Limits()), ALPHA) is None
