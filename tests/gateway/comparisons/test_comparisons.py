"""Two revisions side by side: each is asked by its name, is paid for by who asks, and votes add up."""

import asyncio
from typing import Any

import orjson
import pytest

from core.postgres import Postgres
from gateway.inference.fake import chat_stream
from tests.gateway.client import Gateway, Person, until
from tests.gateway.openai_api.conftest import Api, api
from tests.gateway.operating import add, ready

__all__ = ["api"]


@pytest.fixture
async def two(operator: Person, gateway: Gateway, model: str) -> str:
    """A model with two revisions, of which the second has no traffic."""
    for revision in ("r1", "r2"):
        await add(operator, model, revision)
        await ready(operator, model, revision)
    await until(
        lambda: any(route.name == model and len(route.wanted) == 2 for route in gateway.house.routes.routes())
    )
    await asyncio.sleep(1.1)
    return model


async def ask(person: Person, model: str, revision: str, **more: Any) -> tuple[int, str, bytes]:
    async with person.http.post(
        f"/api/admin/models/{model}/{revision}/answers", json={"prompt": "one two three", **more}
    ) as response:
        return response.status, response.headers["content-type"], await response.read()


async def test_a_revision_without_traffic_is_asked_by_its_name(
    operator: Person, gateway: Gateway, two: str, database: Postgres
) -> None:
    frames = chat_stream(["An", "swer"])
    gateway.engine.stream(*frames)
    status, kind, body = await ask(
        operator, two, "r2", system_prompt="Be brief.", temperature=0.5, max_tokens=9
    )
    assert (status, kind, body) == (200, "text/event-stream", b"".join(frames))
    target, _, raw = gateway.engine.inference.asked[-1]
    assert (target.model, target.revision) == (two, "r2")
    asked = orjson.loads(raw)
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one two three"},
    ]
    assert (asked["temperature"], asked["max_tokens"], asked["model"]) == (0.5, 9, two)
    async with asyncio.timeout(10):
        while True:
            row = await database.fetchrow(
                "SELECT revision, completion_tokens FROM ledger_entries WHERE user_id = $1", operator.id
            )
            if row is not None:
                break
            await asyncio.sleep(0.1)
    assert (row["revision"], row["completion_tokens"]) == ("r2", 2)
    # What an operator tries says nothing of how the revision does with people.
    await gateway.house.recorder.flush()
    counted = await database.fetchval("SELECT count(*) FROM revision_minutes WHERE name = $1", two)
    assert counted == 0


async def test_what_cannot_be_asked_says_why_as_everywhere_in_the_api(
    operator: Person, gateway: Gateway, two: str
) -> None:
    for revision, code in (("r9", "model_not_found"), ("R1", "invalid")):
        status, kind, body = await ask(operator, two, revision)
        assert kind == "application/problem+json"
        assert orjson.loads(body)["code"] == code, body
        assert status == (404 if code == "model_not_found" else 422)
    gateway.engine.refuse(400, b'{"error":{"message":"too warm","param":"temperature"}}')
    status, kind, body = await ask(operator, two, "r2", temperature=1)
    assert (status, kind) == (400, "application/problem+json")
    assert "too warm" in orjson.loads(body)["detail"]
    status, _, body = await ask(operator, two, "r2", prompt=" ")
    assert (status, orjson.loads(body)["code"]) == (422, "invalid")


async def test_over_v1_only_operators_may_name_a_revision(api: Api, two: str, database: Postgres) -> None:
    answered = await api.chat(model=f"{two}@r2")
    assert (answered.status, answered.error["code"]) == (403, "forbidden")
    await database.execute("UPDATE users SET role = 'operator' WHERE id = $1", api.person.id)
    api.gateway.engine.stream(*chat_stream(["Hi"]))
    answered = await api.chat(model=f"{two}@r2", stream=True)
    assert answered.status == 200
    assert answered.headers["x-headrace-model"] == f"{two}@r2"
    answered = await api.chat(model=f"{two}@nothing")
    assert (answered.status, answered.error["code"]) == (404, "model_not_found")


def side(revision: str, text: str = "Yes.") -> dict[str, Any]:
    return {"revision": revision, "text": text, "completion_tokens": 2, "first_ms": 12.5, "duration_ms": 80}


async def vote(operator: Person, model: str, left: str, right: str, choice: str) -> Any:
    status, body = await operator.call(
        "POST",
        "/api/admin/comparisons",
        json={"name": model, "prompt": "Why?", "left": side(left), "right": side(right), "choice": choice},
    )
    assert status == 201, body
    return body


async def test_votes_add_up_whichever_side_a_revision_stood_on(operator: Person, two: str) -> None:
    await vote(operator, two, "r1", "r2", "right")
    await vote(operator, two, "r2", "r1", "left")
    await vote(operator, two, "r2", "r1", "right")
    await vote(operator, two, "r2", "r1", "both")
    last = await vote(operator, two, "r1", "r2", "neither")
    assert last["tallies"] == [
        {
            "name": two,
            "one": "r1",
            "other": "r2",
            "one_better": 1,
            "other_better": 2,
            "both": 1,
            "neither": 1,
        }
    ]
    assert [item["choice"] for item in last["items"]] == ["neither"]
    status, listed = await operator.call("GET", f"/api/admin/comparisons?name={two}")
    assert status == 200
    assert [item["choice"] for item in listed["items"]] == ["neither", "both", "right", "left", "right"]
    newest = listed["items"][0]
    assert newest["left"] == side("r1")
    assert newest["by"] == "Ada"
    assert listed["tallies"] == last["tallies"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"right": side("r1")}, 422),
        ({"choice": "maybe"}, 422),
        ({"right": side("r7")}, 404),
        ({"prompt": ""}, 422),
        ({"left": {"revision": "r1"}}, 422),
    ],
)
async def test_a_vote_about_nothing_is_refused(
    operator: Person, two: str, change: dict[str, Any], status: int
) -> None:
    body = {"name": two, "prompt": "Why?", "left": side("r1"), "right": side("r2"), "choice": "left"}
    found, problem = await operator.call("POST", "/api/admin/comparisons", json={**body, **change})
    assert (found, problem["status"]) == (status, status)
