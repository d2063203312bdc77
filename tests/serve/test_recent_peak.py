"""What is remembered of figures that rise and fall, with a clock that is moved by hand."""

import pytest

from serve.recent_peak import RecentPeak


@pytest.mark.parametrize(
    ("seconds_later", "remembered"), [(0.0, 5), (9.9, 5), (10.0, 5), (19.9, 5), (20.0, 0), (1000.0, 0)]
)
def test_the_highest_is_remembered_once_to_twice_the_time(seconds_later: float, remembered: int) -> None:
    now = [100.0]
    peak = RecentPeak(10.0, lambda: now[0])
    for figure in (1, 5, 2):
        peak.saw(figure)
    now[0] += seconds_later
    assert peak.value == remembered


def test_what_was_seen_since_is_kept_when_what_was_before_is_forgotten() -> None:
    now = [0.0]
    peak = RecentPeak(10.0, lambda: now[0])
    peak.saw(9)
    now[0] = 15.0
    peak.saw(3)
    assert peak.value == 9
    now[0] = 25.0
    assert peak.value == 3
    now[0] = 45.0
    peak.saw(1)
    assert peak.value == 1
