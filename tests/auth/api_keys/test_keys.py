import asyncio
import re

import pytest

from auth.api_keys import service
from core.ids import new_id
from core.postgres import Postgres
from core.settings import Settings
from tests.auth.process import MakePerson, MovableClock, Person, Process, Start


async def make(process: Process, person: Person, **body: object) -> dict[str, str]:
    async with process.client() as http:
        answer = await http.post("/api/keys", json={"name": "laptop", **body}, headers=person.bearer)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def status(process: Process, key: str, path: str = "/v1/probe") -> int:
    async with process.client() as http:
        return (await http.get(path, headers={"authorization": f"Bearer {key}"})).status_code


async def test_a_key_is_long_random_shown_once_and_stored_hashed(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    made = await make(process, kim)
    assert re.fullmatch(r"hr-[A-Za-z0-9_-]{43}", made["key"])
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) == 9
    async with process.client() as http:
        listed = await http.get("/api/keys", headers=kim.bearer)
    assert [item["id"] for item in listed.json()["items"]] == [made["id"]]
    assert "key" not in listed.json()["items"][0]
    assert made["key"] not in listed.text
    row = await postgres.fetchrow("SELECT * FROM api_keys WHERE id = $1", made["id"])
    assert row is not None
    assert len(row["key_hash"]) == 32
    assert made["key"] not in str(dict(row))


async def test_a_key_opens_the_api_for_models_and_nothing_of_the_account(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    key = (await make(process, kim))["key"]
    assert await status(process, key) == 200
    for path in ("/api/auth/me", "/api/keys", "/api/probe", "/api/chat/probe", "/api/admin/probe"):
        assert await status(process, key, path) == 403
    async with process.client() as http:
        bearer = {"authorization": f"Bearer {key}"}
        assert (await http.post("/api/keys", json={"name": "more"}, headers=bearer)).status_code == 403
        assert (await http.post("/api/events/ticket", headers=bearer)).status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        "x-api-key",
        "api-key",
        "x-authorization",
        "proxy-authorization",
        "openai-api-key",
        "cookie",
        "x-goog-api-key",
    ],
)
async def test_a_key_in_any_other_header_opens_nothing(
    process: Process, person: MakePerson, header: str
) -> None:
    key = (await make(process, await person(process)))["key"]
    async with process.client() as http:
        for value in (key, f"Bearer {key}", f"__Host-headrace_access={key}"):
            for path in ("/v1/probe", "/api/auth/me"):
                assert (await http.get(path, headers={header: value})).status_code == 401


async def test_an_access_token_opens_the_api_for_models_and_a_cookie_does_not(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    assert await status(process, kim.access_token) == 200
    async with process.client(browser=True) as http:
        cookie = {"cookie": f"__Host-headrace_access={kim.access_token}"}
        assert (await http.get("/v1/probe", headers=cookie)).status_code == 401


async def test_a_revoked_key_is_dead_everywhere(start: Start, person: MakePerson) -> None:
    here, there = await start(), await start()
    await asyncio.sleep(0.3)
    kim = await person(here)
    made = await make(here, kim)
    assert await status(here, made["key"]) == await status(there, made["key"]) == 200
    async with here.client() as http:
        answer = await http.delete(f"/api/keys/{made['id']}", headers=kim.bearer)
        assert answer.status_code == 204
        assert (await http.get("/api/keys", headers=kim.bearer)).json() == {"items": []}
        again = await http.delete(f"/api/keys/{made['id']}", headers=kim.bearer)
        assert again.status_code == 404
    assert await status(here, made["key"]) == 401
    async with asyncio.timeout(5):
        while await status(there, made["key"]) != 401:  # noqa: ASYNC110 - seen from outside only
            await asyncio.sleep(0.02)


async def test_another_persons_key_is_not_there(process: Process, person: MakePerson) -> None:
    kim, lee = await person(process), await person(process)
    made = await make(process, kim)
    async with process.client() as http:
        for key_id in (made["id"], new_id("key"), "key_1", "x", "%00", "' OR 1=1 --"):
            answer = await http.delete(f"/api/keys/{key_id}", headers=lee.bearer)
            assert answer.status_code == 404
        assert (await http.get("/api/keys", headers=lee.bearer)).json() == {"items": []}
    assert await status(process, made["key"]) == 200


async def test_a_key_dies_when_it_expires_also_while_it_is_in_use(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    made = await make(process, await person(process), expires_in_days=1)
    assert made["expires_at"] > made["created_at"]
    clock.move(hours=23.9999)
    assert await status(process, made["key"]) == 200
    clock.move(seconds=1)
    assert await status(process, made["key"]) in (200, 401)
    clock.move(seconds=1)
    assert await status(process, made["key"]) == 401


async def test_a_key_in_use_costs_no_query(
    process: Process, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await make(process, await person(process))
    first = await process.auth.authenticate_bearer(f"Bearer {made['key']}")

    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Postgres, "fetchrow", refuse)
    for _ in range(100):
        assert await process.auth.authenticate_bearer(f"Bearer {made['key']}") is first


async def test_uses_are_written_together_and_not_per_request(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    made = await make(process, kim)
    for _ in range(5):
        assert await status(process, made["key"]) == 200
    query = "SELECT last_used_at FROM api_keys WHERE id = $1"
    assert await postgres.fetchval(query, made["id"]) is None
    await process.auth.api_keys.flush_uses()
    assert await postgres.fetchval(query, made["id"]) is not None
    assert process.auth.api_keys._uses == {}
    await process.auth.api_keys.flush_uses()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"name": "k", "expires_in_days": 0},
        {"name": "k", "expires_in_days": 10**9},
        {"name": "k", "scopes": ["account"]},
        {"name": "k", "user_id": "usr_1"},
    ],
)
async def test_keys_that_make_no_sense_or_ask_for_more_are_refused(
    process: Process, person: MakePerson, body: dict[str, object]
) -> None:
    kim = await person(process)
    async with process.client() as http:
        assert (await http.post("/api/keys", json=body, headers=kim.bearer)).status_code == 422


async def test_a_person_has_a_bounded_number_of_keys_also_when_made_at_once(
    process: Process, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_KEYS", 5)
    kim = await person(process)
    async with process.client() as http:
        answers = await asyncio.gather(
            *(http.post("/api/keys", json={"name": "k"}, headers=kim.bearer) for _ in range(12))
        )
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 7


@pytest.mark.parametrize(
    "text", ["hr-", "hr-x", "hr-" + "A" * 43, "hr-" + "A" * 44, "hr-' OR 1=1 --", "HR-" + "A" * 43]
)
async def test_texts_that_are_no_key_are_refused(process: Process, text: str) -> None:
    assert await status(process, text) == 401


async def test_an_unverified_account_asks_no_model_where_that_is_not_allowed(
    start: Start, person: MakePerson, auth_settings: Settings, postgres: Postgres, clock: MovableClock
) -> None:
    strict = await start(unverified_may_chat=False)
    kim = await person(strict)
    key = (await make(strict, kim))["key"]
    assert await status(strict, kim.access_token, "/api/auth/me") == 200
    assert await status(strict, kim.access_token, "/api/chat/probe") == 403
    assert await status(strict, kim.access_token) == 403
    assert await status(strict, key) == 403
    await postgres.execute("UPDATE users SET email_verified_at = now() WHERE id = $1", kim.user_id)
    clock.move(seconds=5)
    assert await status(strict, kim.access_token, "/api/chat/probe") == 200
    assert await status(strict, key) == 200


async def test_a_scope_opens_what_it_names_and_nothing_else(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    usage = (await make(process, kim, scopes=["usage"]))["key"]
    assert await status(process, usage) == 403
    assert await status(process, usage, "/api/auth/me") == 403
    async with process.client() as http:
        for wrong in ([], ["account"], ["chat"], ["inference", "admin"]):
            answer = await http.post("/api/keys", json={"name": "k", "scopes": wrong}, headers=kim.bearer)
            assert answer.status_code == 422, wrong


async def test_a_rotated_key_goes_on_under_another_text_and_the_old_one_ends_later(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim, mia = await person(process), await person(process)
    old = await make(process, kim, expires_in_days=30, models=["simulated"], budget={"day": 5})
    clock.move(days=1)
    async with process.client() as http:
        said = (await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})).json()
        bearer = {"authorization": f"Bearer {said['access_token']}"}
        foreign = await http.post(f"/api/keys/{old['id']}/rotate", json={}, headers=mia.bearer)
        assert foreign.status_code in (401, 404)
        answer = await http.post(f"/api/keys/{old['id']}/rotate", json={"overlap_hours": 2}, headers=bearer)
        assert answer.status_code == 201, answer.text
        new = answer.json()
        for wrong in (-1, 721, "x"):
            body = {"overlap_hours": wrong}
            refused = await http.post(f"/api/keys/{old['id']}/rotate", json=body, headers=bearer)
            assert refused.status_code == 422
    assert new["key"] != old["key"]
    assert (new["name"], new["scopes"], new["models"]) == (old["name"], ["inference"], ["simulated"])
    assert new["budget"]["day"] == 5
    assert new["expires_at"] > old["expires_at"]
    assert await status(process, new["key"]) == 200
    assert await status(process, old["key"]) == 200
    clock.move(hours=2, seconds=5)
    assert await status(process, old["key"]) == 401
    assert await status(process, new["key"]) == 200


async def test_a_stolen_key_is_rotated_without_an_overlap(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    old = await make(process, kim)
    assert await status(process, old["key"]) == 200
    async with process.client() as http:
        path = f"/api/keys/{old['id']}/rotate"
        assert (await http.post(path, json={"overlap_hours": 0}, headers=kim.bearer)).status_code == 201
    assert await status(process, old["key"]) == 401
