"""What a model is asked for a summary: what fits, and one message in any case."""

from datetime import UTC, datetime

from gateway.conversations.summaries.tables import Passage, SummaryRow
from gateway.jobs.summaries import shortened, summary_prompt


def passages(*lengths: int) -> list[Passage]:
    return [
        Passage(f"msg_{depth}", depth, ("user", "assistant")[depth % 2], chr(97 + depth) * length)
        for depth, length in enumerate(lengths)
    ]


def test_a_prompt_takes_what_fits_and_one_message_in_any_case() -> None:
    (_, asked), covered = summary_prompt(None, passages(100, 100, 100, 100), 250, words=50)
    assert covered == 2
    assert "Person: aaa" in asked["content"]
    assert "Assistant: bbb" in asked["content"]
    assert "c" * 10 not in asked["content"]
    (_, asked), covered = summary_prompt(None, passages(100_000), 1_000, words=50)
    assert covered == 1
    assert len(asked["content"]) < 1_000
    earlier = SummaryRow("msg", "cnv", 3, "z" * 10_000, "m", 9, datetime.now(UTC))
    (_, asked), covered = summary_prompt(earlier, passages(10, 10), 1_000, words=50)
    assert (covered, asked["content"].count("z")) == (2, 500)


def test_a_shortened_text_keeps_its_beginning_and_its_end() -> None:
    assert shortened("short", 5) == "short"
    cut = shortened("a" * 50 + "b" * 50, 40)
    assert cut == "a" * 30 + " [...] " + "b" * 10
