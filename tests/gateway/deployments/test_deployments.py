"""What operators ask for over HTTP, and what they are told when it cannot be."""

import asyncio
from typing import Any

import pytest

from core.postgres import Postgres
from tests.gateway.client import MODEL, SERVING, Gateway, Person
from tests.gateway.operating import add, ready, spec, until


async def test_a_model_is_added_deployed_and_asked(operator: Person, gateway: Gateway, model: str) -> None:
    made = await add(operator, model)
    assert (made["state"], made["desired"], made["weight"]) == ("added", "added", 0)
    assert await add(operator, model) == made
    row = await ready(operator, model, "r1")
    assert (row["weight"], row["replicas"], row["figures"]["requests"]) == (100, 1, 0)
    async with asyncio.timeout(10):
        while True:
            _, models = await operator.call("GET", "/api/models")
            if any(item["name"] == model and item["state"] == "ready" for item in models["items"]):
                break
            await asyncio.sleep(0.1)
    gateway.engine.say("Hello")
    await operator.ask(await operator.conversation(), "Hi", model=model)
    async with asyncio.timeout(10):
        while (await until(operator, model, "r1"))["figures"]["requests"] != 1:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.2)


async def test_a_revision_never_changes(operator: Person, model: str) -> None:
    await add(operator, model)
    status, refused = await operator.call(
        "POST", "/api/admin/models", json={"spec": spec(model, title="Another")}
    )
    assert (status, refused["code"]) == (409, "conflict")
    assert "another name" in refused["detail"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"engine": "magic"}, "spec.engine"),
        ({"context_window": "long"}, "spec.context_window"),
        ({"replicas": {"min": 5, "max": 1}}, "spec.replicas.min"),
        ({"speed": 1}, "spec.speed"),
        ({"name": "../etc"}, "spec.name"),
    ],
)
async def test_a_specification_that_cannot_be_names_its_field(
    operator: Person, model: str, changes: dict[str, Any], field: str
) -> None:
    status, refused = await operator.call(
        "POST", "/api/admin/models", json={"spec": {**spec(model), **changes}}
    )
    assert status == 422
    assert [error["field"] for error in refused["errors"]] == [field]


async def test_code_of_others_is_for_administrators(operator: Person, model: str) -> None:
    status, refused = await operator.call(
        "POST", "/api/admin/models", json={"spec": spec(model, trust_remote_code=True)}
    )
    assert (status, refused["code"]) == (403, "forbidden")


async def test_traffic_is_split_among_those_that_are_ready(operator: Person, model: str) -> None:
    for revision in ("r1", "r2", "r3"):
        await add(operator, model, revision)
    await ready(operator, model, "r1")
    await ready(operator, model, "r2")
    path = f"/api/admin/models/{model}/traffic"
    status, rows = await operator.call("PUT", path, json={"weights": {"r1": 90, "r2": 10}})
    assert (status, {row["revision"]: row["weight"] for row in rows}) == (200, {"r1": 90, "r2": 10, "r3": 0})
    for weights, code in [
        ({"r1": 50, "r3": 50}, (422, "invalid")),
        ({"r1": 0}, (422, "invalid")),
        ({"r9": 100}, (404, "not_found")),
        ({"r1": 101}, (422, "invalid")),
        ({}, (422, "invalid")),
    ]:
        status, refused = await operator.call("PUT", path, json={"weights": weights})
        assert (status, refused["code"]) == code, weights
    assert (await until(operator, model, "r2"))["weight"] == 10


async def test_the_last_that_answers_is_only_taken_down_by_force(operator: Person, model: str) -> None:
    await add(operator, model)
    await ready(operator, model, "r1")
    path = f"/api/admin/models/{model}/r1/retire"
    status, refused = await operator.call("POST", path)
    assert (status, refused["code"]) == (409, "conflict")
    status, row = await operator.call("POST", path, json={"force": True})
    assert (status, row["desired"], row["weight"]) == (202, "retired", 0)
    await until(operator, model, "r1", state="retired")
    assert (model, "r1") not in SERVING.deployed


async def test_a_promotion_is_followed_to_its_receipt(operator: Person, model: str) -> None:
    await add(operator, model)
    await ready(operator, model, "r1")
    await add(operator, model, "r2")
    plan = {"steps": [50, 100], "seconds": 0, "min_requests": 0, "patience_seconds": 0}
    status, begun = await operator.call(
        "POST", f"/api/admin/models/{model}/promote", json={"revision": "r2", "plan": plan}
    )
    assert status == 202, begun
    for method, path, body in [
        ("POST", f"/api/admin/models/{model}/promote", {"revision": "r2"}),
        ("PUT", f"/api/admin/models/{model}/traffic", {"weights": {"r1": 1}}),
        ("POST", f"/api/admin/models/{model}/r1/retire", {"force": True}),
    ]:
        status, refused = await operator.call(method, path, json=body)
        assert (status, refused["code"]) == (409, "conflict"), path
    async with asyncio.timeout(30):
        while True:
            status, row = await operator.call("GET", f"/api/admin/promotions/{begun['id']}")
            if row["ended_at"]:
                break
            await asyncio.sleep(0.2)
    assert (row["state"], row["started_by"]) == ("promoted", operator.id)
    assert row["receipt"]["drops"] == 0
    _, listed = await operator.call("GET", f"/api/admin/promotions?name={model}")
    assert [item["id"] for item in listed["items"]] == [begun["id"]]
    status, refused = await operator.call(
        "POST", f"/api/admin/models/{model}/promote", json={"revision": "r2"}
    )
    assert (status, refused["code"]) == (409, "conflict")


async def test_what_is_not_there_is_not_found(operator: Person, model: str) -> None:
    for method, path, body in [
        ("POST", f"/api/admin/models/{model}/r1/deploy", None),
        ("POST", f"/api/admin/models/{model}/r1/retire", None),
        ("POST", f"/api/admin/models/{model}/promote", {"revision": "r1"}),
        ("POST", f"/api/admin/models/{model}/rollback", None),
        ("GET", f"/api/admin/models/{model}/r1/log", None),
        ("PUT", f"/api/admin/models/{model}/fallback", {"fallback": MODEL}),
        ("GET", "/api/admin/promotions/prm_0", None),
    ]:
        status, refused = await operator.call(method, path, **({"json": body} if body else {}))
        assert (status, refused["code"]) == (404, "not_found"), path


async def test_a_model_names_who_answers_in_its_place(operator: Person, model: str) -> None:
    await add(operator, model)
    path = f"/api/admin/models/{model}/fallback"
    status, _ = await operator.call("PUT", path, json={"fallback": MODEL})
    assert status == 204
    _, listed = await operator.call("GET", "/api/admin/models")
    assert listed["fallbacks"][model] == MODEL
    for wrong in (model, "nobody"):
        status, refused = await operator.call("PUT", path, json={"fallback": wrong})
        assert (status, refused["code"]) == (422, "invalid")
    status, _ = await operator.call("PUT", path, json={"fallback": None})
    assert status == 204
    _, listed = await operator.call("GET", "/api/admin/models")
    assert model not in listed["fallbacks"]


async def test_the_log_of_a_revision_can_be_read(operator: Person, model: str) -> None:
    await add(operator, model)
    await ready(operator, model, "r1")
    status, log = await operator.call("GET", f"/api/admin/models/{model}/r1/log")
    assert (status, log) == (200, {"text": f"{model} r1 was started"})


async def test_every_decision_is_in_the_audit_log(operator: Person, model: str, database: Postgres) -> None:
    await add(operator, model)
    await ready(operator, model, "r1")
    await operator.call("PUT", f"/api/admin/models/{model}/traffic", json={"weights": {"r1": 50}})
    await operator.call("POST", f"/api/admin/models/{model}/r1/retire", json={"force": True})
    rows = await database.fetch(
        "SELECT action FROM audit_events WHERE actor = $1 AND action LIKE 'model.%' ORDER BY number",
        operator.id,
    )
    assert [row["action"] for row in rows] == [
        "model.added",
        "model.deployed",
        "model.split",
        "model.retired",
    ]
