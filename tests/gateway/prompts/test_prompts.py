"""The library: one's own prompts, and those that administrators make for everyone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.postgres import Postgres
from gateway.prompts import repository
from tests.gateway.client import Gateway, Person


@pytest.fixture
async def admin(gateway: Gateway, database: Postgres) -> AsyncIterator[Person]:
    someone = await gateway.person()
    await database.execute("UPDATE users SET role = 'admin' WHERE id = $1", someone.id)
    yield someone
    await database.execute("DELETE FROM prompts WHERE user_id = $1", someone.id)
    await someone.close()


async def make(person: Person, **fields: Any) -> dict[str, Any]:
    wanted = {"name": "Explain", "template": "Explain {topic} to {who}.", **fields}
    status, made = await person.call("POST", "/api/prompts", json=wanted)
    assert status == 201, made
    return dict(made)


async def names(person: Person) -> list[str]:
    _, body = await person.call("GET", "/api/prompts")
    return [item["name"] for item in body["items"]]


async def test_a_prompt_has_what_was_said_of_it(person: Person) -> None:
    made = await make(person, description="For beginners")
    assert (
        made.items()
        >= {
            "name": "Explain",
            "description": "For beginners",
            "template": "Explain {topic} to {who}.",
            "variables": ["topic", "who"],
            "scope": "personal",
            "mine": True,
        }.items()
    )
    assert await person.call("GET", "/api/prompts") == (200, {"items": [made]})


async def test_a_prompt_is_rendered_with_values(person: Person) -> None:
    prompt = await make(person)
    values = {"variables": {"topic": "{otters}", "who": "Ada"}}
    answer = await person.call("POST", f"/api/prompts/{prompt['id']}/render", json=values)
    assert answer == (200, {"text": "Explain {otters} to Ada."})
    status, problem = await person.call("POST", f"/api/prompts/{prompt['id']}/render", json={})
    assert status == 422
    assert {error["field"] for error in problem["errors"]} == {"variables.topic", "variables.who"}


async def test_only_what_is_named_changes(person: Person) -> None:
    prompt = await make(person)
    status, changed = await person.call(
        "PATCH", f"/api/prompts/{prompt['id']}", json={"template": "Say {word}."}
    )
    assert (status, changed["name"], changed["variables"]) == (200, "Explain", ["word"])
    status, _ = await person.call("PATCH", f"/api/prompts/{prompt['id']}", json={"template": "{a.b}"})
    assert status == 422
    assert await person.call("DELETE", f"/api/prompts/{prompt['id']}") == (204, None)
    assert await names(person) == []
    assert (await person.call("DELETE", f"/api/prompts/{prompt['id']}"))[0] == 404


async def test_personal_prompts_are_not_there_for_others_not_even_for_administrators(
    person: Person, stranger: Person, admin: Person
) -> None:
    prompt = await make(person)
    for other in (stranger, admin):
        assert "Explain" not in await names(other)
        for method, path, body in [
            ("PATCH", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("POST", "/render", {"variables": {"topic": "x", "who": "y"}}),
        ]:
            status, problem = await other.call(method, f"/api/prompts/{prompt['id']}{path}", json=body)
            assert (status, problem["code"]) == (404, "not_found"), method
    assert await names(person) == ["Explain"]


async def test_prompts_for_everyone_are_used_by_all_and_changed_by_administrators(
    person: Person, admin: Person, database: Postgres
) -> None:
    shared = await make(admin, name="House style", scope="everyone")
    _, listed = await person.call("GET", "/api/prompts")
    (seen,) = (item for item in listed["items"] if item["id"] == shared["id"])
    assert (seen["scope"], seen["mine"]) == ("everyone", False)
    values = {"variables": {"topic": "x", "who": "y"}}
    assert (await person.call("POST", f"/api/prompts/{shared['id']}/render", json=values))[0] == 200
    for method, path, body in [
        ("PATCH", f"/api/prompts/{shared['id']}", {"name": "Mine"}),
        ("DELETE", f"/api/prompts/{shared['id']}", None),
        ("POST", "/api/prompts", {"name": "x", "template": "x", "scope": "everyone"}),
    ]:
        status, problem = await person.call(method, path, json=body)
        assert (status, problem["code"]) == (403, "forbidden"), method
    status, _ = await admin.call("PATCH", f"/api/prompts/{shared['id']}", json={"name": "New style"})
    assert status == 200
    # The power ends with the role, at the next request.
    await database.execute("UPDATE users SET role = 'user' WHERE id = $1", admin.id)
    assert (await admin.call("DELETE", f"/api/prompts/{shared['id']}"))[0] == 403


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"description": "x" * 501},
        {"template": ""},
        {"template": "x" * 10_001},
        {"template": "{a!r}"},
        {"template": "a\x00b"},
        {"scope": "all"},
        {"user_id": "usr_1"},
        {"template_format": "jinja2"},
    ],
)
async def test_what_is_no_prompt_is_refused(person: Person, fields: dict[str, str]) -> None:
    status, problem = await person.call(
        "POST", "/api/prompts", json={"name": "Explain", "template": "x", **fields}
    )
    assert (status, problem["code"]) == (422, "invalid")
    assert await names(person) == []


async def test_the_library_has_a_bound_also_for_many_at_once(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MOST_PROMPTS", 3)
    answers = await asyncio.gather(
        *(person.call("POST", "/api/prompts", json={"name": "x", "template": "x"}) for _ in range(6))
    )
    assert sorted(status for status, _ in answers) == [201, 201, 201, 409, 409, 409]
