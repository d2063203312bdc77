"""Deleting one's account: asked for by its owner only, taken back in time, and then nothing opens it."""

import asyncio
from typing import Any

import httpx

from auth.principal import Role
from core.postgres import Postgres
from tests.auth.process import MakePerson, MovableClock, Person, Process, Start

GRACE_DAYS = 14


async def call(process: Process, person: Person, method: str, path: str, **more: Any) -> httpx.Response:
    async with process.client() as http:
        return await http.request(method, path, headers=person.bearer, **more)


async def ask(process: Process, person: Person) -> dict[str, Any]:
    answer = await call(process, person, "DELETE", "/api/auth/me")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_asking_ends_other_sessions_puts_keys_to_sleep_and_is_told_by_mail(
    start: Start, process: Process, person: MakePerson
) -> None:
    there = await start()
    kim = await person(process)
    async with process.client() as http:
        other = (await http.post("/api/auth/login", json=kim.credentials)).json()["access_token"]
        key = (await http.post("/api/keys", json={"name": "k"}, headers=kim.bearer)).json()["key"]
    of_key = {"authorization": f"Bearer {key}"}
    async with there.client() as http:
        assert (await http.get("/v1/probe", headers=of_key)).status_code == 200
        shown = await ask(process, kim)
        assert shown["delete_at"] is not None
        async with asyncio.timeout(2):
            while (await http.get("/v1/probe", headers=of_key)).status_code != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        bearer = {"authorization": f"Bearer {other}"}
        assert (await http.get("/api/probe", headers=bearer)).status_code == 401
    assert (await call(process, kim, "GET", "/api/auth/me")).json()["delete_at"] == shown["delete_at"]
    letter = await process.mailbox.letter(kim.email, "Your account will be deleted")
    assert shown["delete_at"][:4] in letter.text
    assert "{" not in letter.text
    # Asking again does not push it away, and there is nothing new to be told.
    assert (await ask(process, kim))["delete_at"] == shown["delete_at"]
    actions = [row.action for row in await process.auth.audit.page(_of(kim), before=None, limit=20)]
    assert actions.count("account.deletion_asked") == 1


async def test_it_can_be_taken_back_by_whoever_signs_in_and_keys_wake_up(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client() as http:
        key = (await http.post("/api/keys", json={"name": "k"}, headers=kim.bearer)).json()["key"]
        await ask(process, kim)
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200
        kept = await call(process, kim, "POST", "/api/auth/me/keep")
        assert (kept.status_code, kept.json()["delete_at"]) == (200, None)
        bearer = {"authorization": f"Bearer {key}"}
        assert (await http.get("/v1/probe", headers=bearer)).status_code == 200
    # Where there is nothing to take back nothing changes.
    assert (await call(process, kim, "POST", "/api/auth/me/keep")).status_code == 200
    events = await process.auth.audit.page(_of(kim), before=None, limit=20)
    actions = [row.action for row in events]
    assert actions.count("account.kept") == 1
    assert actions.count("account.deletion_asked") == 1


async def test_when_the_time_has_come_nothing_opens_it_and_it_is_erased_once(
    process: Process, person: MakePerson, clock: MovableClock, postgres: Postgres
) -> None:
    kim = await person(process)
    await ask(process, kim)
    clock.move(days=GRACE_DAYS - 1)
    assert kim.user_id not in await process.auth.deletion.due(1_000)
    assert not await process.auth.deletion.erase(kim.user_id)
    clock.move(days=1)
    process.auth.sessions.cache.clear()
    async with process.client() as http:
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 401
        refresh = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
        assert refresh.status_code == 401
    assert (await call(process, kim, "POST", "/api/auth/me/keep")).status_code == 401
    assert kim.user_id in await process.auth.deletion.due(1_000)
    erased = await asyncio.gather(*(process.auth.deletion.erase(kim.user_id) for _ in range(5)))
    assert sorted(erased) == [False] * 4 + [True]
    for table in ("sessions", "api_keys", "mail_orders"):
        assert await postgres.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", kim.user_id) == 0  # noqa: S608
    # The address is free again.
    async with process.client() as http:
        body = {**kim.credentials, "name": "Kim"}
        assert (await http.post("/api/auth/register", json=body)).status_code == 202
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200


async def test_it_needs_a_fresh_proof_and_no_key_can_do_it(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    async with process.client() as http:
        key = (await http.post("/api/keys", json={"name": "k"}, headers=kim.bearer)).json()["key"]
        refused = await http.delete("/api/auth/me", headers={"authorization": f"Bearer {key}"})
        assert refused.status_code == 403
        clock.move(minutes=16)
        said = (await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})).json()
    kim.access_token = said["access_token"]
    stale = await call(process, kim, "DELETE", "/api/auth/me")
    assert (stale.status_code, stale.json()["code"]) == (403, "step_up_required")
    assert (await call(process, kim, "GET", "/api/auth/me")).json()["delete_at"] is None


async def test_the_last_administrator_stays(process: Process, person: MakePerson, postgres: Postgres) -> None:
    await postgres.execute("UPDATE users SET role = 'user' WHERE role = 'admin'")
    one, two = await person(process), await person(process)
    for admin in (one, two):
        await process.auth.accounts.set_role(admin.email, Role.ADMIN)
    answers = await asyncio.gather(*(call(process, admin, "DELETE", "/api/auth/me") for admin in (one, two)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    stays = one if answers[0].status_code == 409 else two
    # Nor can whoever stays be made something else now.
    change = await call(process, stays, "PATCH", f"/api/admin/users/{stays.user_id}", json={"role": "user"})
    assert change.status_code == 409


def _of(person: Person) -> Any:
    from auth.audit.repository import Wanted

    return Wanted(actor=person.user_id)
