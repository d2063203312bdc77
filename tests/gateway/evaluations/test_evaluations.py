"""Sets of prompts, all the way: kept over HTTP, asked by a worker, judged, booked, and repeated."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from core.postgres import Postgres
from core.settings import Settings
from gateway.inference import Target
from gateway.inference.fake import FakeEngineResponse, FakeInference
from gateway.inference.protocol import REPLICA_HEADER
from tests.gateway.client import Gateway, Person
from tests.gateway.jobs.conftest import working
from tests.gateway.operating import add, ready

SET = "capitals"
CASES = [
    {"prompt": "The capital of France?", "check": {"kind": "contains", "text": "Paris"}},
    {
        "prompt": "The capital of Spain?",
        "system_prompt": "Be brief.",
        "max_tokens": 9,
        "check": {"kind": "exact", "text": "Madrid"},
    },
]
ANSWERS = {"France": "It is Paris.", "Spain": "Madrid", "Italy": "Milan", "polite": "Yes, it is."}


class Student:
    """An engine that knows some capitals, and is a lenient judge."""

    def __init__(self) -> None:
        self.asked: list[tuple[Target, dict[str, Any]]] = []
        self.inference = FakeInference(self._respond)

    def _respond(self, target: Target, route: str, body: bytes) -> FakeEngineResponse:
        asked = orjson.loads(body)
        if route == "/tokenize":
            return FakeEngineResponse(200, [orjson.dumps({"count": 7})])
        self.asked.append((target, asked))
        prompt = asked["messages"][-1]["content"]
        if "BROKEN" in prompt:
            return FakeEngineResponse(500, [b"{}"], {REPLICA_HEADER: "replica"})
        text = next(answer for word, answer in reversed(ANSWERS.items()) if word in prompt)
        answer = {
            "choices": [{"message": {"content": text}}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        }
        return FakeEngineResponse(200, [orjson.dumps(answer)])


@pytest.fixture(scope="module")
async def student(running_gateway: Gateway, settings: Settings, kafka_servers: str) -> AsyncIterator[Student]:
    engine = Student()
    async with working(running_gateway, settings, engine.inference):
        yield engine


@pytest.fixture
async def served(operator: Person, model: str, database: Postgres) -> AsyncIterator[str]:
    """A model with a revision that runs."""
    await add(operator, model)
    await ready(operator, model, "r1")
    await asyncio.sleep(1.2)
    yield model
    await database.execute("DELETE FROM eval_sets WHERE name = $1", SET)


async def keep(operator: Person, cases: list[dict[str, Any]], share: float = 1.0) -> Any:
    status, kept = await operator.call(
        "PUT", f"/api/admin/evaluations/sets/{SET}", json={"pass_share": share, "cases": cases}
    )
    assert status == 200, kept
    return kept


async def over(operator: Person, run: dict[str, Any]) -> Any:
    async with asyncio.timeout(60):
        while run["state"] == "running":
            await asyncio.sleep(0.1)
            _, run = await operator.call("GET", f"/api/admin/evaluations/{run['id']}")
    return run


async def evaluate(operator: Person, model: str, revision: str = "r1") -> Any:
    status, run = await operator.call(
        "POST", "/api/admin/evaluations", json={"set": SET, "name": model, "revision": revision}
    )
    assert status == 202, run
    return await over(operator, run)


async def test_every_case_is_asked_of_the_revision_and_paid_for_by_who_asked(
    operator: Person, served: str, student: Student, database: Postgres
) -> None:
    student.asked.clear()
    kept = await keep(operator, CASES)
    assert (await keep(operator, CASES))["digest"] == kept["digest"]
    run = await evaluate(operator, served)
    assert (run["state"], run["digest"]) == ("passed", kept["digest"])
    assert run["detail"] == "2 of 2 cases passed; 100% had to."
    assert [(result["passed"], result["text"]) for result in run["results"]] == [
        (True, "It is Paris."),
        (True, "Madrid"),
    ]
    targets = {(target.model, target.revision) for target, _ in student.asked}
    assert targets == {(served, "r1")}
    spanish = student.asked[1][1]
    assert spanish["max_tokens"] == 9
    assert [message["role"] for message in spanish["messages"]] == ["system", "user"]
    booked = await database.fetch(
        "SELECT kind, prompt_tokens, completion_tokens FROM ledger_entries WHERE user_id = $1", operator.id
    )
    assert [tuple(row) for row in booked] == [("job", 7, 3)] * 2
    _, listed = await operator.call("GET", f"/api/admin/evaluations?name={served}")
    assert [(item["id"], item["state"], item["results"]) for item in listed["items"]] == [
        (run["id"], "passed", [])
    ]


async def test_what_fails_says_why_and_can_be_asked_again_as_it_was(
    operator: Person, served: str, student: Student
) -> None:
    rome = {"prompt": "The capital of Italy?", "check": {"kind": "contains", "text": "Rome"}}
    await keep(operator, [*CASES, rome])
    run = await evaluate(operator, served)
    assert (run["state"], run["detail"]) == ("failed", "2 of 3 cases passed; 100% had to.")
    assert run["results"][2] == {"passed": False, "reason": "It does not contain 'Rome'.", "text": "Milan"}
    # Also when the set has changed, or is gone.
    await keep(operator, CASES[:1], share=0.5)
    status, _ = await operator.call("DELETE", f"/api/admin/evaluations/sets/{SET}")
    assert status == 204
    status, again = await operator.call("POST", f"/api/admin/evaluations/{run['id']}/again")
    assert status == 202
    again = await over(operator, again)
    assert (again["state"], again["digest"], again["cases"]) == ("failed", run["digest"], run["cases"])
    assert again["id"] != run["id"]


async def test_a_named_model_can_be_the_judge(operator: Person, served: str, student: Student) -> None:
    student.asked.clear()
    check = {"kind": "judged", "model": served, "question": "Is it polite?"}
    await keep(operator, [{"prompt": "The capital of France?", "check": check}])
    run = await evaluate(operator, served)
    assert run["state"] == "passed"
    assert run["results"][0]["text"] == "It is Paris."
    assert len(student.asked) == 2
    assert "It is Paris." in student.asked[1][1]["messages"][-1]["content"]


async def test_without_an_answer_there_is_no_verdict(operator: Person, served: str, student: Student) -> None:
    await keep(operator, [{"prompt": "BROKEN", "check": {"kind": "exact", "text": "x"}}])
    run = await evaluate(operator, served)
    assert run["state"] == "broken"
    assert run["detail"].startswith("No verdict: ")
    run = await evaluate(operator, served, "r9")
    assert (run["state"], run["results"]) == ("broken", [])
    assert "No revision 'r9'" in run["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cases": []}, "cases"),
        ({"cases": [{"prompt": "?", "check": {"kind": "regex", "pattern": "("}}]}, "cases"),
        ({"cases": CASES, "pass_share": 0}, "pass_share"),
        ({"cases": CASES, "more": 1}, "more"),
    ],
)
async def test_a_set_that_is_none_is_refused(operator: Person, body: dict[str, Any], field: str) -> None:
    status, problem = await operator.call("PUT", f"/api/admin/evaluations/sets/{SET}", json=body)
    assert (status, problem["code"]) == (422, "invalid")
    assert field in str(problem["errors"])


async def test_what_is_not_there_is_not_found(operator: Person, served: str) -> None:
    for method, path, body in (
        ("POST", "/api/admin/evaluations", {"set": "nothing", "name": served, "revision": "r1"}),
        ("GET", "/api/admin/evaluations/evl_x", None),
        ("POST", "/api/admin/evaluations/evl_x/again", None),
        ("DELETE", "/api/admin/evaluations/sets/nothing", None),
        (
            "POST",
            f"/api/admin/models/{served}/promote",
            {"revision": "r1", "plan": {"evaluation": "nothing"}},
        ),
    ):
        status, problem = await operator.call(method, path, json=body)
        assert (status, problem["code"]) == (404, "not_found"), path
