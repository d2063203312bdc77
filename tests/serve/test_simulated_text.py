"""The simulated engine's tokens are exact, and its words follow from the text alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.simulated_text import WORDS, compose, count, render, text_of, token_id, tokenise

TEXTS = st.text(max_size=200)


@given(TEXTS)
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokenise(text)) == text
    assert count(text) == len(tokenise(text))


@given(TEXTS)
def test_ids_turn_back_into_the_text(text: str) -> None:
    ids = [token_id(token) for token in tokenise(text)]
    assert text_of(ids) == text
    assert all(0 < number < 2**53 for number in ids)


@pytest.mark.parametrize("number", [-1, 0, 1, 2**60, 0x0241])
def test_a_number_that_is_no_token_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="not a token id"):
        text_of([number])


def test_every_word_of_an_answer_is_one_token() -> None:
    answer = compose(render([("user", "Hello")]), max_tokens=200, ignore_eos=True)
    assert [token.strip().lower() in WORDS for token in answer.tokens] == [True] * 200
    assert count("".join(answer.tokens)) == len(answer.tokens) == 200


def test_the_answer_follows_from_conversation_and_seed() -> None:
    prompt = render([("user", "Hello")])
    assert compose(prompt, max_tokens=50) == compose(prompt, max_tokens=50)
    other = render([("system", "Be brief"), ("user", "Hello")])
    assert compose(prompt, max_tokens=50).tokens != compose(other, max_tokens=50).tokens
    assert compose(prompt, max_tokens=50).tokens != compose(prompt, max_tokens=50, seed=1).tokens


@pytest.mark.parametrize(
    "question",
    [
        "Hello",
        "[[long]]",
        "[[echo]]some text that is said again, byte for byte: äöü\n\n# x",
        "Write a title for it",
    ],
)
def test_an_answer_cut_anywhere_goes_on_in_the_same_words(question: str) -> None:
    prompt = render([("user", question)])
    whole = compose(prompt, max_tokens=1000)
    for cut in range(len(whole.tokens) + 1):
        rest = compose(prompt + "".join(whole.tokens[:cut]), max_tokens=1000)
        assert whole.tokens[:cut] + rest.tokens == whole.tokens
        assert rest.finish_reason == whole.finish_reason


def test_a_raw_prompt_goes_on_in_the_same_words() -> None:
    whole = compose("Once upon a time", max_tokens=40, ignore_eos=True)
    rest = compose("Once upon a time" + "".join(whole.tokens[:15]), max_tokens=25, ignore_eos=True)
    assert whole.tokens[:15] + rest.tokens == whole.tokens


def test_an_answer_ends_by_itself_or_at_the_limit_and_says_which() -> None:
    prompt = render([("user", "Hello")])
    free = compose(prompt, max_tokens=4000)
    assert free.finish_reason == "stop"
    assert compose(prompt, max_tokens=len(free.tokens) - 1).finish_reason == "length"
    assert compose(prompt, max_tokens=3).tokens == free.tokens[:3]


def test_stop_words_are_cut_off_with_all_that_follows() -> None:
    prompt = render([("user", "[[echo]]one two three four")])
    answer = compose(prompt, max_tokens=100, stop=["three", "four"])
    assert ("".join(answer.tokens), answer.finish_reason) == ("one two ", "stop")


@pytest.mark.parametrize(("mark", "tokens", "fails"), [("[[long]]", 400, False), ("[[fail]] x", 5, True)])
def test_marks_say_how_long_and_whether_it_breaks(mark: str, tokens: int, fails: bool) -> None:
    answer = compose(render([("user", mark)]), max_tokens=1000)
    assert (len(answer.tokens), answer.fails) == (tokens, fails)


def test_only_the_last_user_message_is_searched_for_marks() -> None:
    prompt = render([("user", "[[fail]]"), ("assistant", "x"), ("user", "Hello")])
    assert not compose(prompt, max_tokens=10).fails


def test_an_exact_length_can_be_asked_for() -> None:
    prompt = render([("user", "Hello")])
    assert len(compose(prompt, max_tokens=1000, exact_tokens=256).tokens) == 256
    assert compose(prompt, max_tokens=1000, exact_tokens=256).finish_reason == "stop"
    assert compose(prompt, max_tokens=100, exact_tokens=256).finish_reason == "length"


def test_a_title_has_at_most_six_words() -> None:
    answer = compose(render([("user", "Write a title for this conversation: Hello")]), max_tokens=100)
    assert 1 <= len("".join(answer.tokens).split()) <= 6
    assert answer.finish_reason == "stop"
