"""What each check lets pass, what it says of what it does not, and what is no check."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.evaluations.checks import Check, Judged
from gateway.evaluations.jobs import verdict
from gateway.evaluations.schemas import RunOut, RunState, SetIn, digest_of

CHECK: TypeAdapter[Any] = TypeAdapter(Check)
AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


@pytest.mark.parametrize(
    ("check", "passes", "fails", "because"),
    [
        ({"kind": "contains", "text": "Paris"}, "It is Paris.", "It is paris.", "'Paris'"),
        ({"kind": "contains", "text": "paris", "ignore_case": True}, "PARIS", "London", "'paris'"),
        ({"kind": "excludes", "text": "Sorry"}, "Yes.", "I am SORRY.", "contains 'Sorry'"),
        ({"kind": "exact", "text": "42"}, " 42\n", "42.", "not '42'"),
        ({"kind": "regex", "pattern": r"^\d{4}$"}, "2026", "the year 2026", "not found"),
        ({"kind": "json_schema", "schema": AGE}, '{"age": 7}', '{"age": "7"}', "not of type 'integer'"),
        ({"kind": "json_schema", "schema": AGE}, '{"age": 7}', "age: 7", "not JSON"),
        ({"kind": "judged", "model": "m", "question": "Is it right?"}, "Yes, it is.", "No.", "m says: No."),
        ({"kind": "judged", "model": "m", "question": "Is it right?"}, "YES", "", "m says: nothing"),
    ],
)
def test_what_passes_and_why_the_rest_does_not(
    check: dict[str, Any], passes: str, fails: str, because: str
) -> None:
    made = CHECK.validate_python(check)
    assert made.wrong(passes) is None
    assert because in made.wrong(fails)
    # As it is stored and as it comes back.
    assert CHECK.validate_python(CHECK.dump_python(made, mode="json", by_alias=True)) == made


@pytest.mark.parametrize(
    ("check", "because"),
    [
        ({"kind": "contains", "text": ""}, "at least 1"),
        ({"kind": "regex", "pattern": "(unclosed"}, "not a regular expression"),
        ({"kind": "json_schema", "schema": {"type": "sometimes"}}, "not a JSON schema"),
        ({"kind": "json_schema", "schema": {"$ref": "file:///etc/passwd"}}, "only refer to itself"),
        (
            {"kind": "json_schema", "schema": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "http://x"}}}},
            "only refer to itself",
        ),
        ({"kind": "judged", "model": "Not a name", "question": "?"}, "pattern"),
        ({"kind": "feeling"}, "tag"),
        ({"kind": "exact", "text": "x", "more": 1}, "Extra"),
    ],
)
def test_what_is_no_check_is_refused(check: dict[str, Any], because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        CHECK.validate_python(check)


def test_a_pattern_that_never_ends_is_given_up() -> None:
    check = CHECK.validate_python({"kind": "regex", "pattern": r"(a|aa|aaa)+\d$"})
    assert "too long" in check.wrong("a" * 20_000)


def test_a_judge_is_asked_about_the_question_and_the_answer() -> None:
    judge = Judged(kind="judged", model="m", question="Is it polite?")
    (system, asked) = judge.prompt("Who are you?", "Nobody.")
    assert "yes or no" in system["content"]
    for part in ("Who are you?", "Nobody.", "Is it polite?"):
        assert part in asked["content"]


@pytest.mark.parametrize(
    ("share", "cases", "passed", "state"),
    [
        (1.0, 3, 3, RunState.PASSED),
        (1.0, 3, 2, RunState.FAILED),
        (0.9, 10, 9, RunState.PASSED),
        (0.7, 10, 7, RunState.PASSED),
        (0.34, 3, 1, RunState.FAILED),
        (0.01, 5, 0, RunState.FAILED),
    ],
)
def test_so_many_cases_have_to_pass(share: float, cases: int, passed: int, state: RunState) -> None:
    asked = SetIn.model_validate(
        {"pass_share": share, "cases": [{"prompt": "?", "check": {"kind": "exact", "text": "x"}}] * cases}
    )
    run = RunOut.model_validate(
        {
            **asked.model_dump(),
            "id": "evl_1",
            "set": "s",
            "digest": digest_of(asked),
            "name": "m",
            "revision": "r1",
            "state": "running",
            "detail": None,
            "results": [],
            "promotion_id": None,
            "created_at": "2026-11-26T10:00:00Z",
            "ended_at": None,
        }
    )
    found, detail = verdict(run, passed)
    assert found is state
    assert detail.startswith(f"{passed} of {cases} cases passed")
