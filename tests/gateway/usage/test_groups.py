"""A group's budget is shared and hard, and its models are all that its members can ask."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from core.postgres import Postgres
from tests.gateway.client import MODEL, Gateway, Person, until
from tests.gateway.openai_api.conftest import Api
from tests.gateway.openai_api.conftest import api as api
from tests.gateway.openai_api.test_relay import ANSWER
from tests.gateway.usage.test_budgets import held, limits


@dataclass
class Boss:
    """An administrator."""

    person: Person

    async def group(self, **fields: Any) -> str:
        """A new group's id."""
        body = {"name": f"Group {secrets.token_hex(8)}", **fields}
        status, made = await self.person.call("POST", "/api/admin/groups", json=body)
        assert status == 201, made
        return str(made["id"])

    async def put(self, person: Person, group: str | None) -> None:
        status, said = await self.person.call(
            "PATCH", f"/api/admin/users/{person.id}", json={"group_id": group}
        )
        assert (status, said["group_id"]) == (200, group)


@pytest.fixture
async def boss(gateway: Gateway, database: Postgres) -> AsyncIterator[Boss]:
    admin = await gateway.person()
    await database.execute("UPDATE users SET role = 'admin' WHERE id = $1", admin.id)
    yield Boss(admin)
    await admin.close()


async def test_of_60_turns_of_three_people_against_a_shared_budget_for_10_at_most_10_are_admitted(
    gateway: Gateway, boss: Boss, database: Postgres
) -> None:
    gateway.engine.tokens = lambda text: 2
    group = await boss.group(budget={"day": 10 * 52})
    people = [await gateway.person() for _ in range(3)]
    for person in people:
        await boss.put(person, group)
    conversations = [(person, await person.conversation()) for person in people for _ in range(20)]
    for _ in conversations:
        # Slow: a turn that ended while others are refused would give its tokens back, and there would be no
        # budget to name any more.
        gateway.engine.say(*["w"] * 50, pause=0.05)

    async def ask(person: Person, conversation: str) -> tuple[Person, int, Any]:
        body = {"content": "Hi there", "model": MODEL, "max_tokens": 50}
        return person, *await person.call("POST", f"/api/conversations/{conversation}/turns", json=body)

    answers = await asyncio.gather(*(ask(*one) for one in conversations))
    admitted = [(person, said["turn_id"]) for person, status, said in answers if status == 201]
    assert {status for _, status, _ in answers} == {201, 402}
    assert 1 <= len(admitted) <= 10
    refusal = next(said for _, status, said in answers if status == 402)
    assert refusal["detail"].startswith("Your group Group ")
    await asyncio.gather(*(person.follow(turn) for person, turn in admitted))
    spent = 55 * len(admitted)
    assert await held(database, group) == {("day", spent, 0), ("month", spent, 0)}
    own = sum([row[1] for person in people for row in await held(database, person.id) if row[0] == "day"])
    assert own == spent
    _, used = await boss.person.call("GET", "/api/admin/groups/usage")
    assert [
        (item["period"], item["limit"], item["used"], item["reserved"])
        for item in used["items"]
        if item["group_id"] == group
    ] == [("day", 520, spent, 0), ("month", None, spent, 0)]
    assert (await people[0].call("GET", "/api/admin/groups/usage"))[0] == 403
    (shown,) = await limits(people[0])
    assert (shown["scope"], shown["limit"], shown["used"], shown["reserved"]) == ("group", 520, spent, 0)
    assert shown["group_name"].startswith("Group ")
    for person in people:
        await person.close()


async def test_what_was_admitted_in_a_group_is_settled_in_it_wherever_its_person_is_by_then(
    gateway: Gateway, person: Person, boss: Boss, database: Postgres
) -> None:
    first, second = await boss.group(budget={"day": 1_000}), await boss.group(budget={"day": 1_000})
    await boss.put(person, first)
    conversation = await person.conversation()
    gateway.engine.say("slowly", "written", pause=0.3)
    turn = await person.begin(conversation, max_tokens=20)
    ((_, used, reserved), _) = await held(database, first)
    assert (used, reserved > 20) == (0, True)
    await boss.put(person, second)
    await person.follow(turn)
    assert await held(database, first) == {("day", 7, 0), ("month", 7, 0)}
    assert await held(database, second) == set()
    await person.ask(conversation, "Hi", max_tokens=20)
    assert await held(database, second) == {("day", 7, 0), ("month", 7, 0)}
    await boss.put(person, None)
    await person.ask(conversation, "Hi", max_tokens=20)
    assert await held(database, second) == {("day", 7, 0), ("month", 7, 0)}


async def test_requests_of_the_api_count_for_the_group_with_and_without_a_budget(
    api: Api, boss: Boss, database: Postgres
) -> None:
    group = await boss.group()
    await boss.put(api.person, group)
    api.gateway.engine.refuse(200, ANSWER)
    assert (await api.chat()).status == 200
    await api.booked(database)
    await until(lambda: not api.gateway.house.booking._waiting)
    assert await held(database, group) == {("day", 14, 0), ("month", 14, 0)}
    status, _ = await boss.person.call(
        "PUT", f"/api/admin/groups/{group}", json={"name": group, "budget": {"day": 20}}
    )
    assert status == 200
    refused = await api.chat(max_tokens=50)
    assert (refused.status, refused.error["code"]) == (429, "insufficient_quota")
    assert "Your group" in refused.error["message"]


async def test_models_that_are_not_the_groups_are_not_there(
    gateway: Gateway, api: Api, boss: Boss, database: Postgres
) -> None:
    person = api.person
    conversation = await person.conversation()
    turn = await person.begin(conversation)
    await person.follow(turn)
    group = await boss.group(models=["another"])
    await boss.put(person, group)
    assert (await person.call("GET", "/api/models"))[1]["items"] == []
    for path, body in (
        (f"/api/conversations/{conversation}/turns", {"content": "x", "model": MODEL}),
        (f"/api/turns/{turn}/retry", {}),
        (f"/api/turns/{turn}/retry", {"model": MODEL}),
    ):
        status, said = await person.call("POST", path, json=body)
        assert (status, said["code"]) == (404, "model_not_found"), path
    # Nor is one of them what somebody gets who names none.
    status, said = await person.call(
        "POST", f"/api/conversations/{await person.conversation()}/turns", json={"content": "x"}
    )
    assert (status, said["code"]) == (503, "model_not_ready")
    for bearer in (api.key, person.token):
        headers = {"Authorization": f"Bearer {bearer}"}
        question = {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}
        refused = await api.send(question, headers=headers)
        assert (refused.status, refused.error["code"]) == (404, "model_not_found")
        async with api.http.get("/v1/models", headers=headers) as response:
            assert (await response.json())["data"] == []
    asked = len(gateway.engine.asked())
    await boss.put(person, None)
    await person.ask(conversation, "Hi")
    assert len(gateway.engine.asked()) == asked + 1


async def test_open_tabs_hear_of_the_models_of_their_group_only(
    gateway: Gateway, person: Person, stranger: Person, boss: Boss
) -> None:
    await boss.put(person, await boss.group(models=["another"]))
    route = next(iter(gateway.house.routes.routes()))
    async with (
        person.http.ws_connect("/api/events") as bound,
        stranger.http.ws_connect("/api/events") as free,
    ):
        for socket in (bound, free):
            assert (await socket.receive_json())["type"] == "hello"
        gateway.house._tell_model(route)
        gateway.house.hub.deliver(person.id, orjson.dumps({"type": "the next"}))
        assert (await free.receive_json())["type"] == "model.updated"
        assert (await bound.receive_json())["type"] == "the next"
