"""The requests that are sent."""

import orjson
import pytest

from benchmarks.measure import without_variables, words
from benchmarks.scenarios import FULL, QUICK, Scenario, burst, paced, plain


@pytest.mark.parametrize("scenario", FULL, ids=lambda scenario: scenario.name)
def test_a_body_has_the_size_that_its_name_says(scenario: Scenario) -> None:
    assert len(scenario.body()) == scenario.body_bytes


def test_a_body_is_the_same_every_time() -> None:
    assert burst(1).body() == burst(1).body() == burst(64).body()


def test_a_stream_asks_for_its_usage() -> None:
    asked = orjson.loads(paced(1).body())
    assert asked["stream"] is True
    assert asked["stream_options"] == {"include_usage": True}
    assert asked["simulated"] == {"ttft_ms": 0, "token_ms": 5.0, "tokens": 256}


def test_the_quick_scenarios_are_among_the_full_ones() -> None:
    assert set(QUICK) <= set(FULL)


def test_scenarios_of_one_kind_differ_in_their_connections_only() -> None:
    assert plain(1, 1).kind == plain(1, 16).kind == "plain-1KB"
    assert plain(1, 1).kind != plain(100, 1).kind


def test_contents_are_compared_without_id_and_time() -> None:
    one = b'data: {"id":"chatcmpl-1","created":17,"choices":[{"delta":{"content":"a"}}]}\n\n'
    two = b'data: {"id":"chatcmpl-2","created":18,"choices":[{"delta":{"content":"a"}}]}\n\n'
    other = b'data: {"id":"chatcmpl-2","created":18,"choices":[{"delta":{"content":"b"}}]}\n\n'
    assert without_variables(one) == without_variables(two) != without_variables(other)


def test_the_words_of_streamed_and_whole_answers_are_read() -> None:
    streamed = (
        b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":"Still"}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":" water"}}]}\n\n'
        b'data: {"choices":[{"delta":{}}]}\n\ndata: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n'
    )
    whole = b'{"choices":[{"message":{"content":"Still water"}}]}'
    assert words(streamed) == words(whole) == "Still water"
