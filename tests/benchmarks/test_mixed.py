"""What the measurement of chats beside a backlog makes of its phases."""

import io
import math
from typing import Any

import pytest
from rich.console import Console

from benchmarks.errors import BenchmarkFailed
from benchmarks.mixed import Phase, compared, show


def phase(firsts: list[float], chat: int, batch: int, errors: list[str] | None = None) -> dict[str, Any]:
    return {
        "seconds": 10.0,
        "firsts": firsts,
        "chat_tokens": chat,
        "batch_tokens": batch,
        "errors": errors or [],
    }


def report(both: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": "m",
        "rounds": 1,
        "seconds": 10.0,
        "chats_per_second": 1.5,
        "phases": {
            "chat alone": [phase([100.0, 120.0], 300, 0)],
            "backlog alone": [phase([], 0, 2_000)],
            "both": [both],
        },
        "machine": {"during": {"others": 0.0, "stolen": 0.0}},
    }


def shown(found: dict[str, Any]) -> str:
    told = io.StringIO()
    show(found, Console(file=told, width=140))
    return told.getvalue()


def test_the_slowest_first_tokens_and_all_tokens_are_compared() -> None:
    first, tokens = compared(report(phase([110.0, 144.0], 300, 1_500)))
    assert (first.median, tokens.median) == (1.2, 0.9)
    assert shown(report(phase([110.0, 144.0], 300, 1_500))).count(", met") == 2
    assert shown(report(phase([110.0, 200.0], 300, 1_000))).count("not met") == 2


def test_a_chat_without_a_first_token_is_no_figure_but_a_failure() -> None:
    failed = report(phase([110.0, math.inf], 300, 1_500, ["TimeoutError()"]))
    with pytest.raises(BenchmarkFailed, match="no first token"):
        compared(failed)
    told = shown(failed)
    assert "no first token" in told
    assert "TimeoutError" in told


def test_tokens_of_both_count() -> None:
    assert Phase(10.0, chat_tokens=30, batch_tokens=70).tokens_per_second == 10.0
