"""Groups: who may look after them, what is refused, what is recorded."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.principal import Role
from core.postgres import Postgres
from tests.auth.process import MakePerson, Person, Process, Start

NOBODY = "grp_" + "0" * 32


@pytest.fixture
async def boss(process: Process, person: MakePerson) -> Person:
    """An administrator."""
    made = await person(process)
    await process.auth.accounts.set_role(made.email, Role.ADMIN)
    return made


@pytest.fixture(autouse=True)
async def no_groups(postgres: Postgres) -> None:
    """Other tests' groups are gone."""
    await postgres.execute("UPDATE users SET group_id = NULL WHERE group_id IS NOT NULL")
    await postgres.execute("DELETE FROM groups")


async def ask(process: Process, by: Person, method: str, path: str, body: Any = None) -> httpx.Response:
    async with process.client() as http:
        return await http.request(method, f"/api/admin/{path}", json=body, headers=by.bearer)


async def make(process: Process, boss: Person, name: str = "Research", **more: Any) -> str:
    made = await ask(process, boss, "POST", "groups", {"name": name, **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_a_group_is_made_changed_listed_and_deleted_and_all_of_it_recorded(
    process: Process, boss: Person
) -> None:
    whole = {"name": "Research", "models": ["b", "a"], "budget": {"day": 10, "month": None}}
    made = (await ask(process, boss, "POST", "groups", whole)).json()
    assert {key: made[key] for key in ("name", "models", "budget", "members")} == {
        "name": "Research",
        "models": ["a", "b"],
        "budget": {"day": 10, "month": None},
        "members": 0,
    }
    await make(process, boss, "archive")
    listed = (await ask(process, boss, "GET", "groups")).json()["items"]
    assert [item["name"] for item in listed] == ["archive", "Research"]
    path = f"groups/{made['id']}"
    changed = await ask(process, boss, "PUT", path, {"name": "Researchers"})
    assert (changed.json()["name"], changed.json()["models"], changed.json()["budget"]) == (
        "Researchers",
        None,
        {"day": None, "month": None},
    )
    assert (await ask(process, boss, "DELETE", path)).status_code == 204
    assert (await ask(process, boss, "DELETE", path)).status_code == 404
    events = (await ask(process, boss, "GET", f"audit?target={made['id']}")).json()["items"]
    assert [(item["action"], item["actor"]) for item in events] == [
        ("group.deleted", boss.user_id),
        ("group.changed", boss.user_id),
        ("group.made", boss.user_id),
    ]
    assert events[2]["detail"] == {"models": ["a", "b"], "tokens_per_day": 10, "tokens_per_month": None}


async def test_people_come_into_a_group_are_found_by_it_and_leave_it(
    process: Process, person: MakePerson, boss: Person
) -> None:
    kim, other = await person(process), await person(process)
    group = await make(process, boss)
    shown = (await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": group})).json()
    assert (shown["group_id"], shown["group_name"], shown["role"]) == (group, "Research", "user")
    members = (await ask(process, boss, "GET", f"users?group={group}")).json()["items"]
    assert [item["id"] for item in members] == [kim.user_id]
    assert (await ask(process, boss, "GET", "groups")).json()["items"][0]["members"] == 1
    # What is left out stays.
    await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"active": True})
    again = (await ask(process, boss, "GET", f"users/{kim.user_id}")).json()
    assert again["group_id"] == group
    left = (await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": None})).json()
    assert (left["group_id"], left["group_name"]) == (None, None)
    events = (await ask(process, boss, "GET", f"audit?target={kim.user_id}")).json()["items"]
    assert [item["detail"] for item in events if item["action"] == "account.group_set"] == [
        {"group": None},
        {"group": group},
    ]
    assert other.user_id not in [item["id"] for item in members]


async def test_a_group_with_members_stays(process: Process, person: MakePerson, boss: Person) -> None:
    kim, group = await person(process), await make(process, boss)
    await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": group})
    refused = await ask(process, boss, "DELETE", f"groups/{group}")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "1 person is in this group" in refused.json()["detail"]
    await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": None})
    assert (await ask(process, boss, "DELETE", f"groups/{group}")).status_code == 204


async def test_nobody_comes_into_a_group_that_is_being_deleted(
    process: Process, person: MakePerson, boss: Person
) -> None:
    kim = await person(process)
    for _ in range(10):
        group = await make(process, boss)
        put, deleted = await asyncio.gather(
            ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": group}),
            ask(process, boss, "DELETE", f"groups/{group}"),
        )
        assert (put.status_code, deleted.status_code) in ((200, 409), (404, 204))
        await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": None})
        await ask(process, boss, "DELETE", f"groups/{group}")


async def test_a_name_is_there_once_however_it_is_written(process: Process, boss: Person) -> None:
    await make(process, boss, "Research")
    other = await make(process, boss, "Others")
    again = await ask(process, boss, "POST", "groups", {"name": "RESEARCH"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    renamed = await ask(process, boss, "PUT", f"groups/{other}", {"name": "research"})
    assert renamed.status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\u0000b"},
        {"name": "x", "models": ["No Such Name"]},
        {"name": "x", "models": ["m"] * 101},
        {"name": "x", "budget": {"day": -1}},
        {"name": "x", "budget": {"week": 1}},
        {"name": "x", "members": 3},
    ],
)
async def test_impossible_groups_are_refused(process: Process, boss: Person, body: dict[str, Any]) -> None:
    assert (await ask(process, boss, "POST", "groups", body)).status_code == 422


async def test_what_there_is_not_is_said(process: Process, person: MakePerson, boss: Person) -> None:
    kim = await person(process)
    for group in (NOBODY, "x", "grp_'"):
        assert (await ask(process, boss, "PUT", f"groups/{group}", {"name": "x"})).status_code == 404
        assert (await ask(process, boss, "DELETE", f"groups/{group}")).status_code == 404
        # And the rest of the same request is not done either.
        body = {"group_id": group, "role": "admin"}
        assert (await ask(process, boss, "PATCH", f"users/{kim.user_id}", body)).status_code == 404
    assert (await ask(process, boss, "GET", f"users/{kim.user_id}")).json()["role"] == "user"
    group = await make(process, boss)
    nobody = await ask(process, boss, "PATCH", "users/usr_" + "0" * 32, {"group_id": group})
    assert nobody.status_code == 404


@pytest.mark.parametrize("role", [Role.USER, Role.OPERATOR])
async def test_only_administrators_look_after_groups(
    process: Process, person: MakePerson, boss: Person, role: Role
) -> None:
    kim, group = await person(process), await make(process, boss)
    await process.auth.accounts.set_role(kim.email, role)
    for method, path, body in (
        ("GET", "groups", None),
        ("POST", "groups", {"name": "mine"}),
        ("PUT", f"groups/{group}", {"name": "mine"}),
        ("DELETE", f"groups/{group}", None),
        ("PATCH", f"users/{kim.user_id}", {"group_id": None}),
    ):
        assert (await ask(process, kim, method, path, body)).status_code == 403


async def test_members_learn_of_their_bounds_in_every_process_at_once(
    start: Start, process: Process, person: MakePerson, boss: Person
) -> None:
    there = await start()
    kim = await person(process)
    bearer = kim.bearer["authorization"]
    async with process.client() as http:
        body = {"name": "k", "models": ["a", "b"]}
        key = f"Bearer {(await http.post('/api/keys', json=body, headers=kim.bearer)).json()['key']}"
    before = await there.auth.authenticate_bearer(bearer)
    assert (before.models, before.budgeted, before.group_id) == (None, False, None)
    group = await make(process, boss, models=["b", "c"], budget={"day": 5})
    await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": group})

    async def bounds(credential: str) -> tuple[frozenset[str] | None, bool]:
        principal = await there.auth.authenticate_bearer(credential)
        return principal.models, principal.budgeted

    async def becomes(credential: str, wanted: tuple[frozenset[str] | None, bool]) -> None:
        async with asyncio.timeout(2):
            while await bounds(credential) != wanted:  # noqa: ASYNC110 - another process hears of it
                await asyncio.sleep(0.01)

    await becomes(bearer, (frozenset({"b", "c"}), True))
    # A key may ask what both allow.
    await becomes(key, (frozenset({"b"}), True))
    await ask(process, boss, "PUT", f"groups/{group}", {"name": "Research", "models": []})
    await becomes(bearer, (frozenset(), False))
    await becomes(key, (frozenset(), False))
    await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"group_id": None})
    await becomes(bearer, (None, False))
    await becomes(key, (frozenset({"a", "b"}), False))
