"""The made-up messages of the search benchmark, and its table."""

from collections import Counter
from io import StringIO

from rich.console import Console

from benchmarks.search import LONGEST_WORDS, VOCABULARY, Writer, searches, show


def test_the_same_messages_are_made_every_time() -> None:
    first, second = Writer(), Writer()
    assert first.words == second.words
    assert [first.text(20) for _ in range(5)] == [second.text(20) for _ in range(5)]


def test_words_are_as_frequent_as_in_a_language() -> None:
    writer = Writer()
    assert len(set(writer.words)) == VOCABULARY
    count = Counter(word for _ in range(400) for word in writer.text(150).split())
    assert count[writer.words[0]] > 5 * count[writer.words[50]] > 0


def test_texts_have_a_bound() -> None:
    writer = Writer()
    assert all(2 <= len(writer.text(2_000).split()) <= LONGEST_WORDS for _ in range(50))


def test_every_kind_of_search_has_something_to_search_for() -> None:
    kinds = searches(Writer())
    assert len(kinds) == 10
    assert all(wanted and all(wanted) for wanted in kinds.values())


def test_the_table_says_whether_the_goal_is_met() -> None:
    output = StringIO()
    found = {
        "sizes": {"entries": 10, "words": 2**20, "index": 2**20, "messages": 2**20},
        "filled_s": 1.0,
        "figures": [{"kind": "a word", "hits": 20, "p50_ms": 4.0, "p99_ms": 51.0}],
    }
    show(found, Console(file=output, width=120))
    assert "worst p99 51.0 ms; goal 50 ms: not met" in output.getvalue()
