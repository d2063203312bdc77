"""A fresh proof before dangerous acts, rights that need a second factor, and the list of sessions."""

import asyncio

import pytest

from auth.principal import Role
from tests.auth.mfa.authenticator import first_step, second_step, set_up
from tests.auth.process import PASSWORD, MakePerson, MovableClock, Process, Start


async def test_a_step_up_makes_another_session_and_ends_the_former(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    clock.move(minutes=10)
    async with process.client() as http:
        before = (await http.get("/api/probe", headers=kim.bearer)).json()["session_id"]
        answer = await http.post("/api/auth/step-up", json={"password": PASSWORD}, headers=kim.bearer)
        assert answer.status_code == 200
        bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
        after = (await http.get("/api/probe", headers=bearer)).json()["session_id"]
        assert before != after
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 401
        old = {"refresh_token": kim.refresh_token}
        assert (await http.post("/api/auth/refresh", json=old)).status_code == 401
        clock.move(minutes=10)
        allowed = await http.post("/api/auth/email", json={"email": "new@example.com"}, headers=bearer)
    assert allowed.status_code == 202


async def test_a_browser_gets_its_fresh_session_in_cookies_only(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client(browser=True) as http:
        await http.post("/api/auth/login", json=kim.credentials)
        answer = await http.post("/api/auth/step-up", json={"password": PASSWORD})
        assert "access_token" not in answer.json()
        assert len(answer.headers.get_list("set-cookie")) == 2
        assert (await http.get("/api/probe")).status_code == 200


@pytest.mark.parametrize("body", [{}, {"password": "wrong"}, {"code": "123456"}])
async def test_a_wrong_or_missing_proof_changes_nothing(
    process: Process, person: MakePerson, body: dict[str, str]
) -> None:
    kim = await person(process)
    async with process.client() as http:
        answer = await http.post("/api/auth/step-up", json=body, headers=kim.bearer)
        assert answer.status_code in (401, 422)
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 200


async def test_whoever_has_a_second_factor_shows_that(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    app = await set_up(process, kim, clock)
    async with process.client() as http:
        password = await http.post("/api/auth/step-up", json={"password": PASSWORD}, headers=kim.bearer)
        assert password.status_code == 422
        code = await http.post("/api/auth/step-up", json={"code": app.next_code()}, headers=kim.bearer)
        assert code.status_code == 200


async def test_rights_that_ask_for_a_second_factor_are_asleep_without_one(
    start: Start, person: MakePerson, clock: MovableClock
) -> None:
    process = await start(second_factor_roles=("admin",))
    kim = await person(process)
    await process.auth.accounts.set_role(kim.email, Role.ADMIN)
    async with process.client() as http:
        refused = await http.get("/api/admin/probe", headers=kim.bearer)
        assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 200
        app = await set_up(process, kim, clock)
        still = await http.get("/api/admin/probe", headers=kim.bearer)
        assert still.status_code == 403, "this session began with the password alone"
        step = await second_step(process, await first_step(process, kim), app.next_code())
        bearer = {"authorization": f"Bearer {step.json()['access_token']}"}
        assert (await http.get("/api/admin/probe", headers=bearer)).status_code == 200


async def test_one_sees_where_one_is_signed_in_and_ends_it(start: Start, person: MakePerson) -> None:
    here, there = await start(), await start()
    await asyncio.sleep(0.3)
    kim, mia = await person(here), await person(here)
    agent = {"user-agent": "Firefox/140"}
    async with here.client(address="203.0.113.7", **agent) as http:
        phone = (await http.post("/api/auth/login", json=kim.credentials)).json()
    bearer = {"authorization": f"Bearer {phone['access_token']}"}
    async with here.client() as http, there.client() as elsewhere:
        assert (await elsewhere.get("/api/probe", headers=bearer)).status_code == 200
        items = (await http.get("/api/auth/sessions", headers=kim.bearer)).json()["items"]
        assert [item["current"] for item in items].count(True) == 1
        (other,) = [item for item in items if item["user_agent"] == "Firefox/140"]
        assert (other["address"], other["current"]) == ("203.0.113.7", False)
        foreign = await http.delete(f"/api/auth/sessions/{other['id']}", headers=mia.bearer)
        assert foreign.status_code == 404
        ended = await http.delete(f"/api/auth/sessions/{other['id']}", headers=kim.bearer)
        assert ended.status_code == 204
        async with asyncio.timeout(5):
            while (await elsewhere.get("/api/probe", headers=bearer)).status_code != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        for unknown in ("ses_0", "x", "%00"):
            gone = await http.delete(f"/api/auth/sessions/{unknown}", headers=kim.bearer)
            assert gone.status_code == 404


async def test_all_other_sessions_end_at_once(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client() as http:
        others = [(await http.post("/api/auth/login", json=kim.credentials)).json() for _ in range(3)]
        ended = await http.delete("/api/auth/sessions", headers=kim.bearer)
        assert ended.json() == {"ended_sessions": 3}
        for other in others:
            bearer = {"authorization": f"Bearer {other['access_token']}"}
            assert (await http.get("/api/probe", headers=bearer)).status_code == 401
        assert (await http.get("/api/probe", headers=kim.bearer)).status_code == 200


async def test_a_key_cannot_step_up_or_see_sessions(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client() as http:
        key = (await http.post("/api/keys", json={"name": "k"}, headers=kim.bearer)).json()["key"]
        bearer = {"authorization": f"Bearer {key}"}
        for method, path in (
            ("POST", "/api/auth/step-up"),
            ("GET", "/api/auth/sessions"),
            ("DELETE", "/api/auth/sessions"),
            ("PATCH", "/api/auth/me"),
        ):
            body = {} if method in ("POST", "PATCH") else None
            assert (await http.request(method, path, json=body, headers=bearer)).status_code == 403
