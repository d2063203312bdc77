"""Looking after people: who may, what is in force at once, and what cannot be undone by mistake."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.audit.repository import Wanted
from auth.principal import Role
from core.postgres import Postgres
from tests.auth.mfa.authenticator import first_step, second_step, set_up
from tests.auth.process import MakePerson, MovableClock, Person, Process, Start


@pytest.fixture
async def boss(process: Process, person: MakePerson, postgres: Postgres) -> Person:
    """The only administrator."""
    await postgres.execute("UPDATE users SET role = 'user' WHERE role = 'admin'")
    made = await person(process)
    await process.auth.accounts.set_role(made.email, Role.ADMIN)
    return made


async def ask(process: Process, by: Person, method: str, path: str, body: Any = None) -> httpx.Response:
    async with process.client() as http:
        return await http.request(method, f"/api/admin/{path}", json=body, headers=by.bearer)


ROUTES = [
    ("GET", "users", None),
    ("GET", "users/{id}", None),
    ("PATCH", "users/{id}", {"active": False}),
    ("PATCH", "users/{id}", {"role": "admin"}),
    ("DELETE", "users/{id}", None),
    ("POST", "users/{id}/keep", None),
    ("DELETE", "users/{id}/sessions", None),
    ("DELETE", "users/{id}/second-factor", None),
    ("GET", "invitations", None),
    ("POST", "invitations", {}),
    ("DELETE", "invitations/inv_0", None),
    ("GET", "audit", None),
    ("POST", "audit/verify", None),
]


@pytest.mark.parametrize("role", [Role.USER, Role.OPERATOR])
@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_only_administrators_get_there(
    process: Process, person: MakePerson, boss: Person, role: Role, method: str, path: str, body: Any
) -> None:
    kim = await person(process)
    await process.auth.accounts.set_role(kim.email, role)
    refused = await ask(process, kim, method, path.format(id=boss.user_id), body)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    async with process.client() as http:
        nobody = await http.request(method, f"/api/admin/{path.format(id=boss.user_id)}", json=body)
    assert nobody.status_code == 401


async def test_people_are_found_by_name_address_and_id(
    process: Process, person: MakePerson, boss: Person
) -> None:
    kim, mia = await person(process), await person(process)
    for words in (kim.email, kim.email[:12].upper(), kim.user_id):
        found = (await ask(process, boss, "GET", f"users?q={words}")).json()["items"]
        assert [item["id"] for item in found] == [kim.user_id]
    (item,) = found
    assert (item["role"], item["active"], item["second_factor"]) == ("user", True, False)
    assert item["open_sessions"] == 1
    assert item["last_seen_at"] is not None
    assert "password" not in str(found)
    for wild in ("%25", "_", "\\"):
        # Others may have such characters in their names.
        wildly = (await ask(process, boss, "GET", f"users?q={wild}&limit=200")).json()["items"]
        assert kim.user_id not in [item["id"] for item in wildly]
    first = (await ask(process, boss, "GET", "users?limit=1")).json()
    assert first["items"][0]["id"] == mia.user_id
    second = (await ask(process, boss, "GET", f"users?limit=1&cursor={first['next_cursor']}")).json()
    assert second["items"][0]["id"] == kim.user_id


async def test_a_role_is_in_force_at_the_next_request_in_every_process(
    start: Start, process: Process, person: MakePerson, boss: Person
) -> None:
    there = await start()
    kim = await person(process)
    assert (await ask(there, kim, "GET", "users")).status_code == 403
    raised = await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"role": "admin"})
    assert raised.json()["role"] == "admin"
    assert (await ask(there, kim, "GET", "users")).status_code == 200
    await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"role": "user"})
    assert (await ask(there, kim, "GET", "users")).status_code == 403
    roles = await ask(process, boss, "GET", f"audit?target={kim.user_id}&action=account.role_set")
    assert [item["detail"] for item in roles.json()["items"]] == [
        {"from": "admin", "to": "user"},
        {"from": "user", "to": "admin"},
    ]
    assert roles.json()["items"][0]["actor"] == boss.user_id


async def test_a_disabled_account_loses_sessions_and_keys_and_gets_in_again_when_enabled(
    process: Process, person: MakePerson, boss: Person
) -> None:
    kim = await person(process)
    async with process.client() as http:
        key = (await http.post("/api/keys", json={"name": "k"}, headers=kim.bearer)).json()["key"]
        bearer = {"authorization": f"Bearer {key}"}
        assert (await http.get("/v1/probe", headers=bearer)).status_code == 200
        shown = await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"active": False})
        assert (shown.json()["active"], shown.json()["open_sessions"]) == (False, 0)
        assert (await http.get("/v1/probe", headers=bearer)).status_code == 401
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 401
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 401
        await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"active": True})
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 401, "an old session"


@pytest.mark.parametrize("change", [{"role": "user"}, {"role": "operator"}, {"active": False}])
async def test_the_last_administrator_stays(process: Process, boss: Person, change: dict[str, Any]) -> None:
    refused = await ask(process, boss, "PATCH", f"users/{boss.user_id}", change)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await ask(process, boss, "GET", "users")).status_code == 200


async def test_two_administrators_cannot_take_the_role_from_each_other(
    process: Process, person: MakePerson, boss: Person
) -> None:
    other = await person(process)
    await ask(process, boss, "PATCH", f"users/{other.user_id}", {"role": "admin"})
    answers = await asyncio.gather(
        ask(process, boss, "PATCH", f"users/{other.user_id}", {"role": "user"}),
        ask(process, other, "PATCH", f"users/{boss.user_id}", {"role": "user"}),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])


async def test_dangerous_acts_need_a_fresh_proof(
    process: Process, person: MakePerson, boss: Person, clock: MovableClock
) -> None:
    kim = await person(process)
    clock.move(minutes=16)
    async with process.client() as http:
        said = (await http.post("/api/auth/refresh", json={"refresh_token": boss.refresh_token})).json()
    boss.access_token = said["access_token"]
    for method, path, body in (
        ("PATCH", f"users/{kim.user_id}", {"role": "admin"}),
        ("DELETE", f"users/{kim.user_id}/second-factor", None),
        ("POST", "invitations", {}),
    ):
        refused = await ask(process, boss, method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert (await ask(process, boss, "GET", "users")).status_code == 200


async def test_somebody_is_signed_out_everywhere(process: Process, person: MakePerson, boss: Person) -> None:
    kim = await person(process)
    async with process.client() as http:
        await http.post("/api/auth/login", json=kim.credentials)
        ended = await ask(process, boss, "DELETE", f"users/{kim.user_id}/sessions")
        assert ended.json() == {"ended_sessions": 2}
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 401


async def test_a_lost_second_factor_is_taken_away_and_its_owner_told(
    process: Process, person: MakePerson, boss: Person, clock: MovableClock
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    removed = await ask(process, boss, "DELETE", f"users/{kim.user_id}/second-factor")
    assert removed.status_code == 204
    await process.mailbox.letter(kim.email, "Your second factor was removed")
    async with process.client() as http:
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 401
        login = await http.post("/api/auth/login", json=kim.credentials)
        assert "access_token" in login.json()
    assert (await ask(process, boss, "DELETE", f"users/{kim.user_id}/second-factor")).status_code == 404
    mia = await person(process)
    await set_up(process, mia, clock)
    token = await first_step(process, mia)
    assert (await second_step(process, token, app.recovery_codes[0])).status_code == 401


@pytest.mark.parametrize("user_id", ["usr_" + "0" * 32, "x", "%00", "usr_1' OR 1=1 --"])
async def test_whom_there_is_not_cannot_be_changed(process: Process, boss: Person, user_id: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"active": False}),
        ("DELETE", "/sessions", None),
        ("DELETE", "/second-factor", None),
    ):
        answer = await ask(process, boss, method, f"users/{user_id}{path}", body)
        assert answer.status_code == 404


async def test_nothing_else_can_be_set(process: Process, person: MakePerson, boss: Person) -> None:
    kim = await person(process)
    for body in ({"id": "x"}, {"email": "a@example.com"}, {"password": "x"}, {"role": "root"}):
        assert (await ask(process, boss, "PATCH", f"users/{kim.user_id}", body)).status_code == 422


async def test_a_deleted_account_is_closed_at_once_and_can_be_kept_until_its_day(
    process: Process, person: MakePerson, boss: Person, clock: MovableClock, postgres: Postgres
) -> None:
    kim = await person(process)
    gone = await ask(process, boss, "DELETE", f"users/{kim.user_id}")
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    assert gone.json()["delete_at"] is not None
    async with process.client() as http:
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 401
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 401
    letter = await process.mailbox.letter(kim.email, "Your account will be deleted")
    assert "An administrator has closed your account" in letter.text
    assert gone.json()["delete_at"][:4] in letter.text
    # Once more: the day stays.
    again = await ask(process, boss, "DELETE", f"users/{kim.user_id}")
    assert again.json()["delete_at"] == gone.json()["delete_at"]

    kept = await ask(process, boss, "POST", f"users/{kim.user_id}/keep")
    assert (kept.status_code, kept.json()["delete_at"], kept.json()["active"]) == (200, None, False)
    enabled = await ask(process, boss, "PATCH", f"users/{kim.user_id}", {"active": True})
    assert enabled.json()["active"] is True
    async with process.client() as http:
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200

    await ask(process, boss, "DELETE", f"users/{kim.user_id}")
    clock.move(days=15)
    assert kim.user_id in await process.auth.deletion.due(100)
    assert await process.auth.deletion.erase(kim.user_id)
    assert await postgres.fetchval("SELECT count(*) FROM users WHERE id = $1", kim.user_id) == 0
    events = await process.auth.audit.page(Wanted(target=kim.user_id), before=None, limit=30)
    told = [(row.action, row.actor) for row in events]
    assert told.count(("account.deletion_asked", boss.user_id)) == 2
    assert told.count(("account.kept", boss.user_id)) == 1


async def test_nobody_deletes_themselves_or_the_unknown_as_an_administrator(
    process: Process, boss: Person
) -> None:
    own = await ask(process, boss, "DELETE", f"users/{boss.user_id}")
    assert (own.status_code, own.json()["code"]) == (409, "conflict")
    for method, path in (("DELETE", "users/usr_0"), ("POST", "users/usr_0/keep")):
        unknown = await ask(process, boss, method, path)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
