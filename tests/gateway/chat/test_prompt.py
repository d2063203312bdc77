"""The prompt: never over the window, always with the system prompt and the newest message."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MessageTooLong
from gateway.chat.prompt import MINIMUM_ANSWER_TOKENS, Prompt, PromptMessage, build_prompt
from gateway.inference import Target


def target(window: int, most: int = 4096) -> Target:
    return Target("m", "r1", "simulated", "/m/m/r1", window, min(most, window - 1))


class Counter:
    """Counts one token a character and some for the template, and how often it was asked."""

    def __init__(self, overhead: int = 8) -> None:
        self.asked = 0
        self._overhead = overhead

    def tokens(self, messages: Sequence[PromptMessage]) -> int:
        return sum(len(str(message["content"])) + self._overhead for message in messages)

    async def __call__(self, messages: Sequence[PromptMessage]) -> int:
        self.asked += 1
        return self.tokens(messages)


def conversation(*lengths: int) -> list[PromptMessage]:
    """Alternating messages of these lengths, the last one a person's, each told apart by its letter."""
    roles = ["user" if (len(lengths) - index) % 2 else "assistant" for index in range(len(lengths))]
    return [
        {"role": role, "content": chr(97 + index % 26) * length}
        for index, (role, length) in enumerate(zip(roles, lengths, strict=True))
    ]


async def build(
    window: int, history: Sequence[PromptMessage], *, system: str | None = None, max_tokens: int | None = None
) -> tuple[Prompt, Counter]:
    count = Counter()
    made = await build_prompt(target(window), system, history, max_tokens=max_tokens, count=count)
    return made, count


async def test_a_short_history_is_sent_whole_without_asking_for_its_tokens() -> None:
    history = conversation(10, 10, 10)
    prompt, count = await build(8192, history, max_tokens=100)
    assert (list(prompt.messages), prompt.trimmed, prompt.max_tokens) == (history, 0, 100)
    assert count.asked == 0


async def test_the_oldest_messages_go_first_and_are_counted() -> None:
    history = conversation(100, 100, 100, 100, 100)
    prompt, _ = await build(440, history)
    assert prompt.trimmed == 2
    assert list(prompt.messages) == history[2:]


async def test_the_system_prompt_stays_whatever_goes() -> None:
    prompt, _ = await build(400, conversation(*[90] * 21), system="Be brief.")
    assert prompt.messages[0] == {"role": "system", "content": "Be brief."}
    assert prompt.trimmed > 0
    assert prompt.messages[1]["role"] == "user"


async def test_a_message_that_cannot_fit_is_refused_with_its_figures() -> None:
    with pytest.raises(MessageTooLong) as refused:
        await build(100, conversation(10, 10, 500))
    assert "508" in refused.value.detail
    assert "84" in refused.value.detail
    assert refused.value.fields[0][0] == "content"


async def test_a_message_that_leaves_only_a_short_answer_is_still_answered() -> None:
    prompt, _ = await build(100, conversation(10, 10, 70))
    assert (len(prompt.messages), prompt.trimmed) == (1, 2)
    assert prompt.max_tokens == 100 - 78


async def test_no_more_is_written_than_was_asked_for_even_when_messages_go() -> None:
    prompt, _ = await build(100, conversation(50, 50, 50), max_tokens=1)
    assert prompt.trimmed == 2
    assert prompt.max_tokens == 1


async def test_a_long_history_is_counted_a_few_times_only() -> None:
    _, count = await build(8192, conversation(*[200] * 399))
    assert count.asked <= 4


async def test_a_history_of_very_unlike_messages_is_counted_a_few_times_only() -> None:
    _, count = await build(8192, conversation(*[1 + 997 * number % 1_500 for number in range(399)]))
    assert count.asked <= 10


async def test_a_history_that_is_known_to_fit_is_not_counted() -> None:
    count = Counter()
    history = conversation(*[200] * 21)
    made = await build_prompt(
        target(8192), "Brief.", history, max_tokens=None, count=count, history_at_most=3_000
    )
    assert (count.asked, made.trimmed, made.counted) == (0, 0, False)
    assert 3_000 < made.tokens_at_most < 3_200


lengths = st.lists(st.integers(0, 300), min_size=1, max_size=25).map(
    lambda found: found if len(found) % 2 else found[1:] or [1]
)


@given(
    lengths=lengths,
    window=st.integers(64, 3000),
    system=st.none() | st.text("s", min_size=1, max_size=40),
    max_tokens=st.none() | st.integers(1, 5000),
)
async def test_a_prompt_is_never_over_the_window_and_always_has_the_newest_message(
    lengths: list[int], window: int, system: str | None, max_tokens: int | None
) -> None:
    history = conversation(*lengths)
    count = Counter()
    try:
        prompt = await build_prompt(target(window), system, history, max_tokens=max_tokens, count=count)
    except MessageTooLong:
        head = [{"role": "system", "content": system}] if system else []
        assert count.tokens([*head, history[-1]]) > window - MINIMUM_ANSWER_TOKENS
        return
    assert prompt.messages[-1] == history[-1]
    assert count.tokens(prompt.messages) + prompt.max_tokens <= window
    assert 1 <= prompt.max_tokens <= (max_tokens or target(window).max_output_tokens)
    visible = [message for message in prompt.messages if message["role"] != "system"]
    assert visible == history[prompt.trimmed :]
    assert (prompt.messages[0]["role"] == "system") is bool(system)
    assert visible[0]["role"] == "user"
