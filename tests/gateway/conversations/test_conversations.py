"""Conversations: make, list, rename, delete."""

import asyncio
import base64

import pytest

from core.postgres import Postgres
from tests.gateway.client import Person


async def page(person: Person, query: str = "") -> tuple[list[str], str | None]:
    """Ids and the next cursor."""
    status, body = await person.call("GET", f"/api/conversations{query}")
    assert status == 200, body
    return [item["id"] for item in body["items"]], body["next_cursor"]


async def test_a_new_conversation_has_what_was_said_of_it(person: Person) -> None:
    status, made = await person.call(
        "POST", "/api/conversations", json={"title": "  Otters  ", "model": "simulated"}
    )
    assert status == 201
    assert (
        made.items()
        >= {
            "title": "Otters",
            "model": "simulated",
            "pinned": False,
            "archived": False,
            "system_prompt": None,
            "parameters": {},
            "summarise": False,
            "share": None,
            "running_turn_id": None,
        }.items()
    )
    assert set(made) == {
        *("id", "title", "model", "pinned", "archived", "system_prompt", "parameters", "share"),
        *("created_at", "updated_at", "running_turn_id", "summarise"),
    }
    assert made["created_at"].endswith("Z")
    assert await person.call("GET", f"/api/conversations/{made['id']}") == (200, made)


async def test_the_list_is_newest_first_and_a_turn_moves_its_conversation_up(person: Person) -> None:
    first, second, third = [await person.conversation() for _ in range(3)]
    assert await page(person) == ([third, second, first], None)
    await person.ask(first, "Hi")
    assert (await page(person))[0] == [first, third, second]


async def test_pages_have_no_gaps_and_no_repeats_while_others_are_made(person: Person) -> None:
    before = [await person.conversation() for _ in range(11)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = "?limit=3" + (f"&cursor={cursor}" if cursor else "")
        ids, cursor = await page(person, query)
        seen += ids
        assert len(ids) <= 3
        await person.conversation()
        if cursor is None:
            break
    assert seen == before[::-1]


async def test_pages_are_whole_when_many_have_the_same_time(person: Person, database: Postgres) -> None:
    made = [await person.conversation() for _ in range(7)]
    await database.execute(
        "UPDATE conversations SET updated_at = '2026-01-01Z' WHERE id = ANY($1::text[])", made
    )
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        ids, cursor = await page(person, "?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        seen += ids
    assert sorted(seen) == sorted(made)
    assert len(seen) == 7


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "AAAA",
        base64.urlsafe_b64encode(b"2026-01-01T00:00:00+00:00").decode(),
        base64.urlsafe_b64encode(b"no time|cnv_1").decode(),
        base64.urlsafe_b64encode(b"2026-01-01T00:00:00|cnv_1").decode(),
        base64.urlsafe_b64encode(b"\xff\xfe|").decode(),
        base64.urlsafe_b64encode(b"2026-01-01T00:00:00+00:00|\x00").decode(),
        base64.urlsafe_b64encode(b"yes|2026-01-01T00:00:00+00:00|cnv_" + b"0" * 32).decode(),
        base64.urlsafe_b64encode(b"|2026-01-01T00:00:00|cnv_" + b"0" * 32).decode(),
        base64.urlsafe_b64encode(b"|yesterday|cnv_" + b"0" * 32).decode(),
        "é",
        "'; DROP TABLE users; --",
        "x" * 201,
    ],
)
async def test_a_cursor_that_we_did_not_give_is_refused(person: Person, cursor: str) -> None:
    status, problem = await person.call("GET", "/api/conversations", params={"cursor": cursor})
    assert (status, problem["code"]) == (422, "invalid")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", ""])
async def test_a_limit_out_of_bounds_is_refused(person: Person, limit: str) -> None:
    status, problem = await person.call("GET", "/api/conversations", params={"limit": limit})
    assert (status, problem["errors"][0]["field"]) == (422, "limit")


async def test_a_rename_is_kept_and_does_not_move_the_conversation(person: Person) -> None:
    older, newer = await person.conversation(), await person.conversation()
    status, renamed = await person.call(
        "PATCH", f"/api/conversations/{older}", json={"title": " 'Otters' 🦦 "}
    )
    assert (status, renamed["title"]) == (200, "'Otters' 🦦")
    assert (await page(person))[0] == [newer, older]


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, None, 7, ["x"]])
async def test_a_title_that_is_none_is_refused(person: Person, title: object) -> None:
    conversation = await person.conversation(title="Kept")
    status, problem = await person.call("PATCH", f"/api/conversations/{conversation}", json={"title": title})
    assert (status, problem["errors"][0]["field"]) == (422, "title")
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    assert shown["title"] == "Kept"


async def test_a_nul_character_is_refused_and_never_an_internal_error(person: Person) -> None:
    conversation = await person.conversation()
    for method, path, more in [
        ("POST", "/api/conversations", {"json": {"title": "a\x00b"}}),
        ("POST", "/api/conversations", {"json": {"model": "a\x00b"}}),
        ("POST", "/api/conversations", {"json": {"system_prompt": "a\x00b"}}),
        ("PATCH", f"/api/conversations/{conversation}", {"json": {"title": "a\x00b"}}),
        ("GET", f"/api/conversations/{conversation}/messages?before=%00", {}),
    ]:
        status, problem = await person.call(method, path, **more)
        assert (status, problem["code"]) == (422, "invalid"), (method, path)


async def test_a_lone_surrogate_is_refused_and_never_an_internal_error(person: Person) -> None:
    status, problem = await person.call(
        "POST",
        "/api/conversations",
        data=b'{"title":"\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert (status, problem["code"]) == (422, "invalid")


async def test_fields_that_are_not_ours_to_take_are_refused(person: Person, stranger: Person) -> None:
    for field in ({"user_id": stranger.id}, {"id": "cnv_1"}, {"role": "admin"}):
        status, problem = await person.call("POST", "/api/conversations", json=field)
        assert (status, problem["code"]) == (422, "invalid")
    assert (await page(stranger))[0] == []


async def test_a_deleted_conversation_leaves_the_list_at_once(person: Person) -> None:
    kept, gone = await person.conversation(), await person.conversation()
    assert await person.call("DELETE", f"/api/conversations/{gone}") == (204, None)
    assert await page(person) == ([kept], None)
    status, _ = await person.call("DELETE", f"/api/conversations/{gone}")
    assert status == 404


async def test_deletions_at_the_same_time_succeed_once(person: Person) -> None:
    gone = await person.conversation()
    answers = await asyncio.gather(*(person.call("DELETE", f"/api/conversations/{gone}") for _ in range(6)))
    statuses = sorted(status for status, _ in answers)
    assert statuses == [204, *[404] * 5]


async def test_one_person_never_sees_the_list_of_another(person: Person, stranger: Person) -> None:
    mine = await person.conversation()
    theirs = await stranger.conversation()
    assert (await page(person))[0] == [mine]
    assert (await page(stranger))[0] == [theirs]
