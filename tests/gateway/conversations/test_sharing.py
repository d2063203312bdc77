"""Share links: what was visible when it was shared, for whoever has the link, until it is revoked."""

import re
from typing import Any

import aiohttp
import pytest

from core.postgres import Postgres
from gateway.conversations.sharing import service
from gateway.problems import loggable
from tests.gateway.client import Gateway, Person


async def share(person: Person, conversation: str) -> dict[str, Any]:
    status, made = await person.call("POST", f"/api/conversations/{conversation}/share")
    assert status == 201, made
    return dict(made)


async def opened(gateway: Gateway, url: str) -> tuple[int, Any, dict[str, list[str]]]:
    """As somebody without an account: status, body and headers."""
    async with (
        aiohttp.ClientSession(gateway.url) as nobody,
        nobody.get("/api" + url) as response,
    ):
        names = {name.lower() for name in response.headers}
        headers = {name: response.headers.getall(name) for name in names}
        return response.status, await response.json(), headers


async def test_a_link_shows_the_visible_path_and_nothing_of_its_owner(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation(title="Otters", system_prompt="Private instructions")
    await person.ask(conversation, "Left")
    await person.ask(conversation, "Right", parent_id=None)
    made = await share(person, conversation)
    assert re.fullmatch(r"/shared/[A-Za-z0-9_-]{43}", made["url"])
    status, body, headers = await opened(gateway, made["url"])
    assert status == 200
    assert set(body) == {"title", "created_at", "messages"}
    assert body["title"] == "Otters"
    assert [(m["role"], m["content"], m["model"]) for m in body["messages"]] == [
        ("user", "Right", None),
        ("assistant", "Hello there", "simulated"),
    ]
    assert all(set(m) == {"role", "content", "model", "created_at"} for m in body["messages"])
    for secret in (person.id, conversation, "Ada", "Private", "Left", "msg_", "trn_"):
        assert secret not in str(body)
    assert headers["x-robots-tag"] == ["noindex"]
    assert headers["referrer-policy"] == ["no-referrer"]
    assert headers["cache-control"] == ["no-store"]


async def test_what_is_said_afterwards_is_not_in_it(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation(title="Before")
    await person.ask(conversation, "One")
    made = await share(person, conversation)
    before = await opened(gateway, made["url"])
    await person.ask(conversation, "Two")
    await person.call("PATCH", f"/api/conversations/{conversation}", json={"title": "After"})
    assert (await opened(gateway, made["url"]))[1] == before[1]


async def test_the_address_is_told_once_and_only_its_hash_is_stored(
    person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    made = await share(person, conversation)
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    assert shown["share"] == {"id": made["id"], "url": None, "created_at": made["created_at"]}
    row = await database.fetchrow("SELECT * FROM shares WHERE conversation_id = $1", conversation)
    assert row is not None
    token = made["url"].removeprefix("/shared/")
    assert token not in str(dict(row))
    assert len(row["token_hash"]) == 32


async def test_sharing_again_replaces_the_former_link(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "One")
    former = await share(person, conversation)
    await person.ask(conversation, "Two")
    latter = await share(person, conversation)
    assert former["id"] != latter["id"]
    assert (await opened(gateway, former["url"]))[0] == 404
    assert len((await opened(gateway, latter["url"]))[1]["messages"]) == 4


async def test_revoked_deleted_disabled_and_unknown_links_are_answered_alike(
    gateway: Gateway, person: Person, stranger: Person, database: Postgres
) -> None:
    links = []
    for _ in range(2):
        conversation = await person.conversation()
        await person.ask(conversation, "Hi")
        links.append(((await share(person, conversation))["url"], conversation))
    theirs = await stranger.conversation()
    await stranger.ask(theirs, "Hi")
    disabled = (await share(stranger, theirs))["url"]
    assert await person.call("DELETE", f"/api/conversations/{links[0][1]}/share") == (204, None)
    assert (await person.call("DELETE", f"/api/conversations/{links[0][1]}/share"))[0] == 404
    await person.call("DELETE", f"/api/conversations/{links[1][1]}")
    await database.execute("UPDATE users SET status = 'disabled' WHERE id = $1", stranger.id)
    answers = []
    for url in (links[0][0], links[1][0], disabled, "/shared/" + "x" * 43, "/shared/x", "/shared/'--"):
        status, problem, headers = await opened(gateway, url)
        problem.pop("request_id")
        assert headers["x-robots-tag"] == ["noindex"]
        assert headers["referrer-policy"] == ["no-referrer"]
        answers.append((status, problem))
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)


async def test_nothing_is_shared_while_a_turn_runs_or_before_the_first(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    status, problem = await person.call("POST", f"/api/conversations/{conversation}/share")
    assert (status, problem["code"]) == (422, "invalid")
    gateway.engine.say(*["word "] * 300, pause=0.02)
    turn = await person.begin(conversation)
    status, problem = await person.call("POST", f"/api/conversations/{conversation}/share")
    assert (status, problem["code"]) == (409, "turn_running")
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)
    await share(person, conversation)


@pytest.mark.parametrize(("bound", "most"), [("MOST_MESSAGES", 3), ("MOST_BYTES", 10)])
async def test_what_is_too_long_for_one_answer_is_not_shared(
    person: Person, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "One")
    await person.ask(conversation, "Two")
    monkeypatch.setattr(service, bound, most)
    status, problem = await person.call("POST", f"/api/conversations/{conversation}/share")
    assert (status, problem["code"]) == (422, "invalid")


async def test_nobody_can_try_tokens_without_end(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    async def take(subject: str, surface: str = "api") -> None:
        asked.append((subject, surface))

    monkeypatch.setattr(gateway.house.auth.request_limits, "take", take)
    await opened(gateway, "/shared/" + "x" * 43)
    assert asked == [("127.0.0.1", "shared")]


def test_a_token_does_not_get_into_the_logs() -> None:
    assert loggable("/api/shared/" + "x" * 43) == "/api/shared/..."
    assert loggable("/shared/" + "x" * 43) == "/shared/..."
    assert loggable("/api/conversations") == "/api/conversations"
