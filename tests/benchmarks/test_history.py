"""The pure parts of the history benchmark, and one short run of all of it."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.history import line_through, main, question_of, show
from benchmarks.wire import framed


@pytest.mark.parametrize(
    ("payload", "whole"), [(0, 2), (125, 127), (126, 130), (65_535, 65_539), (65_536, 65_546)]
)
def test_a_frame_is_its_payload_and_a_head_that_grows_with_it(payload: int, whole: int) -> None:
    assert framed(payload) == whole


def test_a_line_through_points_says_how_far_they_are_off_it() -> None:
    slope, intercept, off = line_through([(250, 10_500), (500, 20_500), (1000, 40_500)])
    assert (round(slope, 6), round(intercept, 6), round(off, 6)) == (40.0, 500.0, 0.0)
    assert line_through([(250, 10_000), (500, 40_000), (1000, 160_000)])[2] > 0.1


def test_a_question_has_a_word_for_each_token_of_its_answer() -> None:
    assert len(question_of(250).removeprefix("[[echo]]").split()) == 250


def test_the_table_shows_every_goal() -> None:
    wire = [{"tokens": tokens, "bytes": 50 * tokens + 600} for tokens in (250, 500, 1000)]
    interval = {"median": 1.01, "low": 1.0, "high": 1.02}
    output = StringIO()
    found = {
        "first_token": [
            {
                "messages": 20,
                "ratio": interval,
                "again": interval,
                "median_ms": {"on": 161.0, "off": 160.0, "again": 161.0},
            }
        ],
        "statements": [{"messages": 2, "a_turn": 14.0, "each": {}}],
        "wire": {"sse": wire, "websocket": wire},
    }
    show(found, Console(file=output, width=200))
    assert "20 messages before" in output.getvalue()
    assert "1.010 [1.000, 1.020]" in output.getvalue()
    assert "14.0 (2 messages)" in output.getvalue()
    assert "50.6" in output.getvalue()


def test_a_quick_run_measures_everything(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert main(["--quick", "--json", str(report)]) == 0
    found = json.loads(report.read_text())
    (first,) = found["first_token"]
    assert first["messages"] == 2
    assert first["median_ms"]["off"] > 100
    # The same whether the conversation is short or long: nothing is read message by message.
    short, long = (item["each"] for item in found["statements"])
    assert short.keys() == long.keys()
    for kind in ("sse", "websocket"):
        assert [item["tokens"] for item in found["wire"][kind]] == [50, 100, 200]
        assert all(item["bytes"] > item["tokens"] for item in found["wire"][kind])
