"""A shadow is asked what others were asked; nobody is shown its answers, and nobody pays for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from core.errors import EngineLost, EngineTimeout, HeadraceError, NoReplica
from core.postgres import Postgres
from gateway.inference import Priority, Target
from gateway.inference.fake import FakeEngineResponse, chat_stream
from gateway.shadows import copies
from tests.gateway.client import Gateway, Person, until
from tests.gateway.openai_api.conftest import Api, api
from tests.gateway.operating import add, ready

__all__ = ["api"]


Answers = dict[str, FakeEngineResponse | HeadraceError]


@pytest.fixture
async def two(operator: Person, gateway: Gateway, model: str) -> str:
    """A model whose second revision has no traffic and gets a copy of everything, texts kept."""
    for revision in ("r1", "r2"):
        await add(operator, model, revision)
        await ready(operator, model, revision)
    await shadow(operator, gateway, model, {"revision": "r2", "percent": 100, "keep_texts": True})
    return model


@pytest.fixture
async def answers(gateway: Gateway) -> AsyncIterator[Answers]:
    """What each revision answers, whoever asks first; an error is raised before the answer's head."""
    found: Answers = {}

    def respond(target: Target, _: str, __: bytes) -> FakeEngineResponse:
        answer = found[target.revision]
        if isinstance(answer, HeadraceError):
            raise answer
        return answer

    gateway.engine.answers += [respond] * 20
    yield found


async def shadow(operator: Person, gateway: Gateway, model: str, body: dict[str, Any]) -> None:
    status, problem = await operator.call("PUT", f"/api/admin/models/{model}/shadow", json=body)
    assert status == 204, problem
    wanted = body["revision"]

    def known() -> bool:
        found = gateway.house.routes.shadow_of(model)
        return (found.target.revision if found else None) == wanted

    await until(known)


async def report(operator: Person, model: str, count: int = 1) -> dict[str, Any]:
    """What is kept, once there is so much of it."""
    async with asyncio.timeout(10):
        while True:
            status, found = await operator.call("GET", f"/api/admin/models/{model}/shadow")
            assert status == 200
            if len(found["items"]) >= count:
                return dict(found)
            await asyncio.sleep(0.05)


def counted(model: str, outcome: str) -> float:
    """Copies that ended so, of a model that only one test knows."""
    return (
        REGISTRY.get_sample_value("headrace_shadow_requests_total", {"model": model, "outcome": outcome})
        or 0.0
    )


async def chat(person: Person, model: str, text: str = "Why does it rain?") -> str:
    """A turn with this model, followed to its end; its conversation."""
    conversation = await person.conversation()
    status, begun = await person.call(
        "POST", f"/api/conversations/{conversation}/turns", json={"content": text, "model": model}
    )
    assert status == 201, begun
    await person.follow(begun["turn_id"])
    return conversation


async def test_a_turn_is_asked_again_and_nobody_sees_or_pays_it(
    operator: Person,
    person: Person,
    gateway: Gateway,
    two: str,
    answers: Answers,
    database: Postgres,
) -> None:
    answers["r1"] = FakeEngineResponse(200, chat_stream(["It", " is", " wet"]))
    answers["r2"] = FakeEngineResponse(200, chat_stream(["It", " was", " wet"], prompt_tokens=6))
    conversation = await chat(person, two)
    found = await report(operator, two)
    (item,) = found["items"]
    assert (item["revision"], item["shadow_revision"], item["outcome"]) == ("r1", "r2", "answered")
    assert (item["live"]["text"], item["shadow"]["text"]) == ("It is wet", "It was wet")
    assert item["prompt"] == "Why does it rain?"
    assert item["likeness"] == pytest.approx(2 / 3)
    assert item["shadow"]["completion_tokens"] == 3
    assert item["shadow"]["first_ms"] > 0
    assert item["live"]["finish_reason"] == item["shadow"]["finish_reason"] == "stop"
    (tally,) = found["tallies"]
    assert (tally["answers"], tally["failed"], tally["same"]) == (1, 0, 0)
    assert (tally["live_tokens"], tally["shadow_tokens"]) == (3, 3)
    # The person sees one answer, and has paid for one.
    shown = await person.messages(conversation)
    assert [message["content"] for message in shown] == ["Why does it rain?", "It is wet"]
    async with asyncio.timeout(10):
        while True:
            rows = await database.fetch(
                "SELECT user_id, kind, revision, prompt_tokens, completion_tokens, exact "
                "FROM ledger_entries WHERE model = $1 ORDER BY revision, kind",
                two,
            )
            if {row["kind"] for row in rows} >= {"turn", "shadow"}:
                break
            await asyncio.sleep(0.05)
    booked = {(row["kind"], row["revision"]): row for row in rows}
    assert booked["turn", "r1"]["user_id"] == person.id
    copied = booked["shadow", "r2"]
    assert (copied["user_id"], copied["prompt_tokens"], copied["completion_tokens"]) == (None, 6, 3)
    assert copied["exact"]
    used = await database.fetchval(
        "SELECT used FROM usage_periods WHERE subject = $1 AND period = 'day'", person.id
    )
    assert used == sum(
        row["prompt_tokens"] + row["completion_tokens"] for row in rows if row["kind"] != "shadow"
    )
    # Both were asked the same, the shadow behind everybody else.
    asked = [
        (target.revision, orjson.loads(body))
        for target, route, body in gateway.engine.inference.asked
        if route == "/v1/chat/completions" and target.model == two
    ]
    (live, copy) = asked[:2]
    assert (live[0], copy[0]) == ("r1", "r2")
    assert live[1]["messages"] == copy[1]["messages"]
    assert live[1]["max_tokens"] == copy[1]["max_tokens"]
    claims = {
        target.revision: claim
        for (target, route, _), claim in zip(
            gateway.engine.inference.asked, gateway.engine.inference.claims, strict=True
        )
        if route == "/v1/chat/completions" and target.model == two
    }
    assert (claims["r1"].priority, claims["r2"].priority) == (Priority.CHAT, Priority.JOB)
    assert counted(two, "answered") == 1
    # And it says nothing of how the revision does with people.
    await gateway.house.recorder.flush()
    minutes = await database.fetch("SELECT DISTINCT revision FROM revision_minutes WHERE name = $1", two)
    assert [row["revision"] for row in minutes] == ["r1"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_request_over_v1_is_asked_again(
    api: Api, two: str, operator: Person, answers: Answers, stream: bool
) -> None:
    if stream:
        answers["r1"] = FakeEngineResponse(200, chat_stream(["Yes", " it", " is"]))
    else:
        answers["r1"] = FakeEngineResponse(
            200,
            [
                b'{"choices":[{"index":0,"message":{"content":"Yes it is"},"finish_reason":"stop"}],'
                b'"usage":{"prompt_tokens":5,"completion_tokens":3}}'
            ],
        )
    answers["r2"] = FakeEngineResponse(200, chat_stream(["Yes", " it", " is"]))
    answered = await api.chat(model=two, stream=stream, temperature=0.5, seed=7, user="somebody")
    assert answered.status == 200
    (item,) = (await report(operator, two))["items"]
    assert (item["likeness"], item["prompt"]) == (1, "one two three")
    assert item["live"]["text"] == item["shadow"]["text"] == "Yes it is"
    assert item["live"]["completion_tokens"] == 3
    copied = orjson.loads(api.gateway.engine.inference.asked[-1][2])
    assert (copied["temperature"], copied["seed"], copied["stream"]) == (0.5, 7, True)
    assert "user" not in copied


@pytest.mark.parametrize(
    ("response", "detail", "booked"),
    [
        (
            FakeEngineResponse(500, [b"{}"], {"x-headrace-replica": "a"}),
            "The model refused it, with status 500.",
            None,
        ),
        (NoReplica(), NoReplica().detail, None),
        # Whether the engine has worked for these is only in its own records.
        (EngineTimeout(), EngineTimeout().detail, (0, 0, False)),
        (EngineLost(), EngineLost().detail, (0, 0, False)),
        (
            FakeEngineResponse(200, [chat_stream(["a"])[1], EngineLost()]),
            EngineLost().detail,
            (0, 1, False),
        ),
        (
            FakeEngineResponse(200, chat_stream(["a", "b"])[:-2]),
            "The model stopped in the middle of its answer.",
            (0, 2, False),
        ),
    ],
)
async def test_a_shadow_that_fails_is_noted_and_hurts_nobody(
    operator: Person,
    person: Person,
    two: str,
    answers: Answers,
    database: Postgres,
    response: FakeEngineResponse | HeadraceError,
    detail: str,
    booked: tuple[int, int, bool] | None,
) -> None:
    answers["r1"] = FakeEngineResponse(200, chat_stream(["Fine"]))
    answers["r2"] = response
    conversation = await chat(person, two)
    assert (await person.messages(conversation))[-1]["content"] == "Fine"
    found = await report(operator, two)
    (item,) = found["items"]
    assert (item["outcome"], item["detail"], item["likeness"]) == ("failed", detail, None)
    assert found["tallies"][0]["failed"] == 1
    assert counted(two, "failed") == 1
    await asyncio.sleep(0.5)
    row = await database.fetchrow(
        "SELECT prompt_tokens, completion_tokens, exact FROM ledger_entries "
        "WHERE model = $1 AND kind = 'shadow'",
        two,
    )
    assert (tuple(row) if row else None) == booked


async def test_without_texts_nothing_of_what_was_said_is_kept(
    operator: Person, person: Person, gateway: Gateway, two: str, answers: Answers
) -> None:
    await shadow(operator, gateway, two, {"revision": None})
    await shadow(operator, gateway, two, {"revision": "r2", "percent": 100})
    answers["r1"] = FakeEngineResponse(200, chat_stream(["secret"]))
    answers["r2"] = FakeEngineResponse(200, chat_stream(["secret"]))
    await chat(person, two, "secret question")
    found = await report(operator, two)
    assert b"secret" not in orjson.dumps(found)
    assert found["items"][0]["likeness"] == 1
    assert found["items"][0]["shadow"]["completion_tokens"] == 1


async def test_whoever_has_all_of_the_traffic_is_no_shadow_of_itself(
    operator: Person, person: Person, gateway: Gateway, two: str, answers: Answers
) -> None:
    await shadow(operator, gateway, two, {"revision": "r1", "percent": 100})
    answers["r1"] = FakeEngineResponse(200, chat_stream(["Fine"]))
    await chat(person, two)
    await asyncio.sleep(0.3)
    assert [target.revision for target, route, _ in gateway.engine.inference.asked if "chat" in route].count(
        "r2"
    ) == 0
    status, found = await operator.call("GET", f"/api/admin/models/{two}/shadow")
    assert (status, found["items"]) == (200, [])


async def test_a_shadow_that_is_busy_is_not_asked_more(
    api: Api, two: str, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_AT_ONCE", 2)
    answers["r1"] = FakeEngineResponse(200, chat_stream(["Fine"]))
    answers["r2"] = FakeEngineResponse(200, chat_stream(["slow"] * 20), pause=0.1)
    for _ in range(5):
        assert (await api.chat(model=two, stream=True)).status == 200
    asked = [target.revision for target, _, _ in api.gateway.engine.inference.asked if target.model == two]
    assert (asked.count("r1"), asked.count("r2")) == (5, 2)
    assert counted(two, "skipped") == 3


async def test_what_a_person_deletes_is_not_read_by_anybody(
    operator: Person, person: Person, two: str, answers: Answers
) -> None:
    answers["r1"] = answers["r2"] = FakeEngineResponse(200, chat_stream(["Fine"]))
    conversation = await chat(person, two)
    await report(operator, two)
    status, _ = await person.call("DELETE", f"/api/conversations/{conversation}")
    assert status == 204
    _, found = await operator.call("GET", f"/api/admin/models/{two}/shadow")
    assert found["items"] == []


async def test_a_revision_that_is_taken_down_is_a_shadow_no_longer(
    operator: Person, gateway: Gateway, two: str
) -> None:
    status, _ = await operator.call("POST", f"/api/admin/models/{two}/r2/retire")
    assert status == 202
    _, listed = await operator.call("GET", "/api/admin/models")
    assert two not in listed["shadows"]
    await until(lambda: gateway.house.routes.shadow_of(two) is None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"revision": "r9"}, 404),
        ({"revision": "r2", "percent": 0}, 422),
        ({"revision": "r2", "percent": 101}, 422),
        ({"revision": "r2", "weight": 5}, 422),
        ({}, 422),
    ],
)
async def test_a_shadow_that_cannot_be_is_refused(
    operator: Person, two: str, body: dict[str, Any], status: int
) -> None:
    answered, problem = await operator.call("PUT", f"/api/admin/models/{two}/shadow", json=body)
    assert answered == status, problem


async def test_the_decision_is_listed_and_in_the_audit_log(
    operator: Person, two: str, database: Postgres
) -> None:
    _, listed = await operator.call("GET", "/api/admin/models")
    assert listed["shadows"][two] == {"revision": "r2", "percent": 100, "keep_texts": True}
    detail = await database.fetchval(
        "SELECT detail FROM audit_events WHERE action = 'model.shadow_set' AND target = $1", two
    )
    assert detail["shadow"] == {"revision": "r2", "percent": 100, "keep_texts": True}


async def test_answers_are_forgotten_after_a_week(
    operator: Person,
    person: Person,
    gateway: Gateway,
    two: str,
    answers: Answers,
    database: Postgres,
) -> None:
    answers["r1"] = answers["r2"] = FakeEngineResponse(200, chat_stream(["Fine"]))
    await chat(person, two)
    await report(operator, two)
    await gateway.house.shadows.purge()
    assert len((await report(operator, two))["items"]) == 1
    await database.execute(
        "UPDATE shadow_answers SET created_at = now() - interval '8 days' WHERE name = $1", two
    )
    await gateway.house.shadows.purge()
    _, found = await operator.call("GET", f"/api/admin/models/{two}/shadow")
    assert found["items"] == []
