"""A grammar is led through the answer that its request goes on from. The real ones: tests/contracts."""

from types import SimpleNamespace
from typing import Any

import pytest

from core.engine_fields import RESUMED_TOKENS
from serve.resumed_grammar import CannotResume, resume_grammars, tokens_before

PROMPT = [1, 2, 3, 40, 50]


class Grammar:
    """Allows 40 and then 50."""

    def __init__(self) -> None:
        self.accepted: list[int] = []

    def accept_tokens(self, request_id: str, tokens: list[int]) -> bool:
        assert request_id == "request-1"
        self.accepted += tokens
        return self.accepted == [40, 50][: len(self.accepted)]


def request(**extra: Any) -> Any:
    parameters = SimpleNamespace(extra_args=extra or None)
    return SimpleNamespace(request_id="request-1", sampling_params=parameters, prompt_token_ids=PROMPT)


def manager() -> Any:
    made = SimpleNamespace(_create_grammar=lambda asked: Grammar())
    resume_grammars(made)
    return made


def test_it_begins_behind_the_tokens_of_the_answer() -> None:
    assert manager()._create_grammar(request(**{RESUMED_TOKENS: 2})).accepted == [40, 50]


def test_a_new_answer_begins_at_the_beginning() -> None:
    assert manager()._create_grammar(request()).accepted == []
    assert manager()._create_grammar(request(other=1)).accepted == []


def test_tokens_that_the_grammar_does_not_allow_fail_this_request() -> None:
    with pytest.raises(CannotResume):
        manager()._create_grammar(request(**{RESUMED_TOKENS: 3}))


@pytest.mark.parametrize("count", [-1, 6, "2", 1.0])
def test_a_number_that_cannot_be_is_refused(count: object) -> None:
    with pytest.raises(CannotResume):
        tokens_before(request(**{RESUMED_TOKENS: count}))


def test_a_request_that_samples_nothing_goes_on_from_nothing() -> None:
    asked = SimpleNamespace(request_id="request-1", sampling_params=None, prompt_token_ids=None)
    assert tokens_before(asked) == []  # type: ignore[arg-type]
