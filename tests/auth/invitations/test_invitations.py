"""Invitations: the only way in where registration is by invitation, once, and for whom they are."""

import asyncio
import secrets
from typing import Any

import pytest

from auth.principal import Role
from core.postgres import Postgres
from core.settings import Registration
from tests.auth.process import PASSWORD, PUBLIC_URL, MakePerson, MovableClock, Person, Process, Start


def new_address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


@pytest.fixture
async def boss(process: Process, person: MakePerson) -> Person:
    made = await person(process)
    await process.auth.accounts.set_role(made.email, Role.ADMIN)
    return made


@pytest.fixture
async def house(start: Start) -> Process:
    """A process that lets in only whom somebody invited."""
    return await start(registration=Registration.INVITE)


async def invite(process: Process, boss: Person, **wanted: Any) -> tuple[str, str]:
    """Id and token."""
    async with process.client() as http:
        answer = await http.post("/api/admin/invitations", json=wanted, headers=boss.bearer)
    assert answer.status_code == 201, answer.text
    link = answer.json()["link"]
    assert link.startswith(f"{PUBLIC_URL}/register#")
    return answer.json()["id"], link.partition("#")[2]


async def register(process: Process, email: str, token: str | None) -> tuple[int, str | None]:
    body = {"email": email, "password": PASSWORD, "name": "Kim Park"}
    if token is not None:
        body["invitation"] = token
    async with process.client() as http:
        answer = await http.post("/api/auth/register", json=body)
        login = await http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    return answer.status_code, login.json()["user"]["role"] if login.status_code == 200 else None


async def test_without_an_invitation_nobody_gets_in(house: Process) -> None:
    assert await register(house, new_address(), None) == (403, None)
    for guess in ("", "x", "x" * 43, "\u0000"):
        assert (await register(house, new_address(), guess))[0] in (403, 410, 422)


async def test_an_invitation_lets_one_person_in_with_its_role(
    house: Process, process: Process, boss: Person, postgres: Postgres
) -> None:
    number, token = await invite(process, boss, role="operator")
    assert await register(house, new_address(), token) == (202, "operator")
    assert await register(house, new_address(), token) == (410, None)
    async with process.client() as http:
        items = (await http.get("/api/admin/invitations", headers=boss.bearer)).json()["items"]
    (item,) = [item for item in items if item["id"] == number]
    assert item["used_by"] is not None
    assert item["invited_by"] == boss.user_id
    assert token not in str(items)
    rows = await postgres.fetch("SELECT * FROM invitations")
    assert token not in str([dict(row) for row in rows])


async def test_five_at_once_with_one_invitation_make_one_account(
    house: Process, process: Process, boss: Person
) -> None:
    _, token = await invite(process, boss)
    answers = await asyncio.gather(*(register(house, new_address(), token) for _ in range(5)))
    assert sorted(answer[0] for answer in answers) == [202, 410, 410, 410, 410]
    assert sorted(str(answer[1]) for answer in answers) == ["None"] * 4 + ["user"]


async def test_an_invitation_for_an_address_is_for_that_address(
    house: Process, process: Process, boss: Person
) -> None:
    email = new_address()
    _, token = await invite(process, boss, email=email)
    assert await register(house, new_address(), token) == (410, None)
    assert await register(house, email.upper(), token) == (202, "user")


async def test_whoever_has_an_account_does_not_use_one_up(
    house: Process, process: Process, person: MakePerson, boss: Person
) -> None:
    kim = await person(process)
    _, token = await invite(process, boss, role="admin")
    assert await register(house, kim.email, token) == (202, "user")
    assert await register(house, new_address(), token) == (202, "admin")


async def test_old_and_taken_back_invitations_open_nothing(
    house: Process, process: Process, boss: Person, clock: MovableClock
) -> None:
    number, token = await invite(process, boss)
    async with process.client() as http:
        assert (await http.delete(f"/api/admin/invitations/{number}", headers=boss.bearer)).status_code == 204
        assert (await http.delete(f"/api/admin/invitations/{number}", headers=boss.bearer)).status_code == 404
    assert await register(house, new_address(), token) == (410, None)
    _, late = await invite(process, boss, expires_in_days=1)
    clock.move(days=1, seconds=1)
    assert await register(house, new_address(), late) == (410, None)


async def test_where_registration_is_closed_an_invitation_does_not_open_it(
    start: Start, process: Process, boss: Person
) -> None:
    closed = await start(registration=Registration.CLOSED)
    _, token = await invite(process, boss)
    assert await register(closed, new_address(), token) == (403, None)
