import pytest
from passlib.handlers.argon2 import argon2

from auth.accounts.hashing import Argon2Hasher
from core.postgres import Postgres
from tests.auth.process import PASSWORD, MakePerson, Process


async def test_every_refused_sign_in_looks_and_costs_the_same(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    wrong, disabled, without = [await person(process) for _ in range(3)]
    await process.auth.accounts.set_active(disabled.email, active=False)
    await postgres.execute("UPDATE users SET password_hash = NULL WHERE id = $1", without.user_id)
    tries = {
        "unknown": ("nobody@example.com", PASSWORD),
        "wrong": (wrong.email, PASSWORD + "!"),
        "disabled": (disabled.email, PASSWORD),
        "without a password": (without.email, PASSWORD),
        "no address at all": ("\x00", PASSWORD),
    }
    answers = set()
    for email, password in tries.values():
        process.hasher.calls = 0
        async with process.client() as http:
            answer = await http.post("/api/auth/login", json={"email": email, "password": password})
        assert process.hasher.calls == 1
        answers.add((answer.status_code, answer.content, tuple(sorted(answer.headers))))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


async def test_a_weaker_hash_is_upgraded_at_sign_in(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    weak = argon2.using(type="ID", memory_cost=64, rounds=1, parallelism=1).hash(kim.password)
    await postgres.execute("UPDATE users SET password_hash = $2 WHERE id = $1", kim.user_id, weak)
    async with process.client() as http:
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200
    stored = await postgres.fetchval("SELECT password_hash FROM users WHERE id = $1", kim.user_id)
    assert stored != weak
    assert not process.hasher.is_weak(stored)
    assert Argon2Hasher(memory_kib=64, passes=1).is_weak(stored) is False
    async with process.client() as http:
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200


async def test_every_sign_in_begins_a_new_session_whatever_was_there(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client(browser=True) as http:
        seen = set()
        for _ in range(3):
            assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200
            seen.add((await http.get("/api/probe")).json()["session_id"])
    assert len(seen) == 3


async def test_a_browser_gets_host_cookies_and_no_token_in_the_body(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client(browser=True) as http:
        answer = await http.post("/api/auth/login", json=kim.credentials)
    assert set(answer.json()) == {"user", "expires_in"}
    cookies = answer.headers.get_list("set-cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {
        "__Host-headrace_access",
        "__Host-headrace_refresh",
    }
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=strict"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
    assert answer.headers["cache-control"] == "no-store"


async def test_other_clients_get_tokens_and_no_cookie(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client() as http:
        answer = await http.post("/api/auth/login", json=kim.credentials)
    assert "set-cookie" not in answer.headers
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 900
    assert answer.headers["cache-control"] == "no-store"
    user = answer.json()["user"]
    known = {
        *("id", "email", "name", "role", "created_at", "email_verified", "language", "time_zone"),
        *("delete_at", "picture"),
    }
    assert set(user) == known


async def test_a_browser_is_known_by_its_cookies_and_signs_out(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client(browser=True) as http:
        await http.post("/api/auth/login", json=kim.credentials)
        assert (await http.get("/api/auth/me")).json()["id"] == kim.user_id
        refreshed = await http.post("/api/auth/refresh")
        assert refreshed.status_code == 200
        assert set(refreshed.json()) == {"user", "expires_in"}
        kept = dict(http.cookies)
        assert (await http.post("/api/auth/logout")).status_code == 204
        assert not http.cookies
        assert (await http.get("/api/auth/me")).status_code == 401
        for name, value in kept.items():
            http.cookies.set(name, value)
        assert (await http.get("/api/auth/me")).status_code == 401
        assert (await http.post("/api/auth/refresh")).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic a2ltOng=", "bearer x", "Bearer a b", "hr-x"]
)
async def test_a_bad_authorization_header_is_refused_whatever_cookies_come_with_it(
    process: Process, person: MakePerson, header: str
) -> None:
    kim = await person(process)
    async with process.client(browser=True) as http:
        await http.post("/api/auth/login", json=kim.credentials)
        assert (await http.get("/api/auth/me")).status_code == 200
        answer = await http.get("/api/auth/me", headers={"authorization": header})
    assert answer.status_code == 401


async def test_two_authorization_headers_are_refused(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    both = [("authorization", f"Bearer {kim.access_token}"), ("authorization", "Bearer other")]
    async with process.client() as http:
        assert (await http.get("/api/auth/me", headers=both)).status_code == 401


async def test_other_clients_sign_out_by_either_token(process: Process, person: MakePerson) -> None:
    for by_access in (True, False):
        kim = await person(process)
        async with process.client() as http:
            if by_access:
                answer = await http.post("/api/auth/logout", headers=kim.bearer)
            else:
                answer = await http.post("/api/auth/logout", json={"refresh_token": kim.refresh_token})
            assert answer.status_code == 204
            assert (await http.get("/api/auth/me", headers=kim.bearer)).status_code == 401
            again = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
            assert again.status_code == 401
