"""Budgets over HTTP: hard under concurrency, explained when they are used up, right after everything ends."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest

from core.postgres import Postgres
from gateway.inference.fake import chat_stream
from tests.gateway.client import MODEL, Gateway, Person, until
from tests.gateway.openai_api.conftest import Api
from tests.gateway.openai_api.test_relay import ANSWER


async def give(database: Postgres, gateway: Gateway, person: Person, **budget: int | None) -> None:
    """Through the administrator's endpoint."""
    admin = await gateway.person()
    await database.execute("UPDATE users SET role = 'admin' WHERE id = $1", admin.id)
    status, said = await admin.call("PUT", f"/api/admin/users/{person.id}/budget", json=budget)
    assert (status, said) == (200, {"day": None, "month": None, **budget})
    await admin.close()


async def held(database: Postgres, subject: str) -> set[tuple[str, int, int]]:
    """(period, used, reserved) of a person or a key."""
    rows = await database.fetch(
        "SELECT period, used, reserved FROM usage_periods WHERE subject = $1", subject
    )
    return {(row["period"], row["used"], row["reserved"]) for row in rows}


async def limits(person: Person) -> list[dict[str, Any]]:
    status, answer = await person.call("GET", "/api/usage/limits")
    assert status == 200, answer
    return list(answer["budgets"])


async def test_of_100_turns_at_once_against_a_budget_for_10_at_most_10_are_admitted(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversations = await asyncio.gather(*(person.conversation() for _ in range(100)))
    # Each reserves 50 for its answer and at least one token for its prompt, which counts as two words.
    gateway.engine.tokens = lambda text: 2
    await give(database, gateway, person, day=10 * 52)
    for _ in range(100):
        gateway.engine.say(*["w"] * 50)

    async def ask(conversation: str) -> tuple[int, Any]:
        return await person.call(
            "POST",
            f"/api/conversations/{conversation}/turns",
            json={"content": "Hi there", "model": MODEL, "max_tokens": 50},
        )

    answers = await asyncio.gather(*(ask(conversation) for conversation in conversations))
    statuses = [status for status, _ in answers]
    admitted = [body["turn_id"] for status, body in answers if status == 201]
    assert set(statuses) <= {201, 402}
    assert 1 <= len(admitted) <= 10
    assert len(gateway.engine.asked()) == len(admitted), "only who was admitted reaches the engine"
    await asyncio.gather(*(person.follow(turn) for turn in admitted))
    stored = await database.fetchval("SELECT count(*) FROM turns WHERE user_id = $1", person.id)
    assert stored == len(admitted)
    spent = 55 * len(admitted)
    assert await held(database, person.id) == {("day", spent, 0), ("month", spent, 0)}


async def test_of_100_api_requests_at_once_against_a_budget_for_10_at_most_10_are_admitted(
    api: Api, database: Postgres
) -> None:
    engine = api.gateway.engine
    engine.tokens = lambda text: 3
    await give(database, api.gateway, api.person, day=10 * 53)
    for _ in range(100):
        engine.stream(*chat_stream(["w"] * 50, prompt_tokens=3), pause=0.01)
    answered = await asyncio.gather(*(api.chat(stream=True, max_tokens=50) for _ in range(100)))
    statuses = [answer.status for answer in answered]
    admitted = statuses.count(200)
    assert set(statuses) <= {200, 429}
    assert 1 <= admitted <= 10
    assert len(engine.asked()) == admitted
    await api.booked(database, admitted)
    await until(lambda: not api.gateway.house.booking._waiting)
    assert await held(database, api.person.id) == {("day", 53 * admitted, 0), ("month", 53 * admitted, 0)}


async def test_who_has_used_up_the_day_is_told_the_figures_and_when_to_come_back(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    await give(database, gateway, person, day=10)
    conversation = await person.conversation()
    async with person.http.post(
        f"/api/conversations/{conversation}/turns", json={"content": "Hi", "model": MODEL, "max_tokens": 20}
    ) as response:
        problem = await response.json()
        wait = int(response.headers["Retry-After"])
    assert response.status == 402
    assert (problem["code"], problem["type"]) == ("budget_exhausted", "/docs/errors#budget_exhausted")
    assert (problem["limit"], problem["used"], problem["retry"]) == (10, 0, True)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert datetime.fromisoformat(problem["resets_at"]) == midnight
    assert 0 < wait <= math.ceil((midnight - datetime.now(UTC)).total_seconds()) + 1
    assert await person.messages(conversation) == [], "nothing was stored"
    assert await held(database, person.id) == set()
    assert gateway.engine.asked() == []
    async with person.http.get("/docs/errors") as response:
        assert 'id="budget_exhausted"' in await response.text()


async def test_openai_clients_are_told_in_their_own_words(api: Api, database: Postgres) -> None:
    await give(database, api.gateway, api.person, month=5)
    answered = await api.chat(max_tokens=20)
    assert answered.status == 429
    assert (answered.error["type"], answered.error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "UTC" in answered.error["message"]
    assert int(answered.headers["Retry-After"]) >= 1
    assert answered.headers["x-should-retry"] == "false"
    assert api.gateway.engine.asked() == []


async def test_a_bound_that_does_not_fit_is_replaced_by_the_tokenizers_figure(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    gateway.engine.tokens = lambda text: 5
    # In bytes this prompt is several hundred tokens at most, in truth it is 5.
    await give(database, gateway, person, day=30)
    conversation = await person.conversation()
    gateway.engine.say("a", "b")
    await person.ask(conversation, "x" * 300, max_tokens=20)
    assert len(gateway.engine.asked("/tokenize")) == 1
    assert await held(database, person.id) == {("day", 7, 0), ("month", 7, 0)}


async def test_while_the_budget_has_room_no_tokenizer_is_asked(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    await give(database, gateway, person, day=100_000)
    await person.ask(await person.conversation(), "Hi", max_tokens=20)
    assert gateway.engine.asked("/tokenize") == []


async def test_whatever_ends_a_turn_gives_the_rest_of_its_reservation_back(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    await give(database, gateway, person, day=100_000)
    conversation = await person.conversation()
    gateway.engine.say(*["w"] * 500, pause=0.02)
    turn = await person.begin(conversation)
    await person.begun_to_write(turn)
    ((_, used, reserved), _) = await held(database, person.id)
    assert used == 0
    assert reserved > 500
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)
    gateway.engine.refuse(500, b"{}")
    await person.ask(conversation, "again")
    charged = await database.fetchval(
        "SELECT sum(prompt_tokens + completion_tokens) FROM ledger_entries WHERE user_id = $1", person.id
    )
    assert await held(database, person.id) == {("day", charged, 0), ("month", charged, 0)}


async def test_a_turn_that_was_never_stored_holds_nothing(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say("slowly", "written", pause=0.3)
    turn = await person.begin(conversation)
    status, _ = await person.call(
        "POST", f"/api/conversations/{conversation}/turns", json={"content": "x", "model": MODEL}
    )
    assert status == 409
    await person.follow(turn)
    assert {reserved for _, _, reserved in await held(database, person.id)} == {0}


async def test_a_refused_or_broken_api_request_gives_its_reservation_back(
    api: Api, database: Postgres
) -> None:
    await give(database, api.gateway, api.person, day=100_000)
    api.gateway.engine.refuse(400, b"{}")
    assert (await api.chat(max_tokens=20)).status == 400
    await api.gateway.house.booking.flush()
    assert await held(database, api.person.id) == {("day", 0, 0), ("month", 0, 0)}
    assert (
        await database.fetchval("SELECT count(*) FROM ledger_entries WHERE user_id = $1", api.person.id) == 0
    )


async def test_a_keys_budget_binds_this_key_and_no_other(api: Api, database: Postgres) -> None:
    status, listed = await api.person.call("GET", "/api/keys")
    key_id = listed["items"][0]["id"]
    assert listed["items"][0]["budget"] == {"day": None, "month": None}
    status, changed = await api.person.call("PATCH", f"/api/keys/{key_id}", json={"budget": {"day": 10}})
    assert (status, changed["budget"]) == (200, {"day": 10, "month": None})
    assert (await api.chat(max_tokens=50)).status == 429
    other = await api.person.key()
    api.gateway.engine.refuse(200, ANSWER)
    answered = await api.send(
        {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "max_tokens": 50},
        headers={"Authorization": f"Bearer {other}"},
    )
    assert answered.status == 200
    status, _ = await api.person.call("PATCH", f"/api/keys/{key_id}", json={"budget": {}})
    assert (await api.chat(max_tokens=50)).status == 200


async def test_another_persons_key_and_impossible_budgets_are_refused(api: Api, stranger: Person) -> None:
    _, listed = await api.person.call("GET", "/api/keys")
    path = f"/api/keys/{listed['items'][0]['id']}"
    assert (await stranger.call("PATCH", path, json={"budget": {"day": 1}}))[0] == 404
    for body in (
        {"budget": {"day": -1}},
        {"budget": {"week": 1}},
        {"budget": {"day": 2**60}},
        {},
        {"name": "x"},
    ):
        assert (await api.person.call("PATCH", path, json=body))[0] == 422
    assert (await api.person.call("PUT", f"/api/admin/users/{stranger.id}/budget", json={}))[0] == 403


async def test_a_new_key_can_have_a_budget_from_the_start(person: Person) -> None:
    status, made = await person.call(
        "POST", "/api/keys", json={"name": "k", "budget": {"day": 5, "month": 50}}
    )
    assert (status, made["budget"]) == (201, {"day": 5, "month": 50})
    shown = await limits(person)
    assert [(item["scope"], item["key_id"], item["period"], item["limit"]) for item in shown] == [
        ("key", made["id"], "day", 5),
        ("key", made["id"], "month", 50),
    ]


async def test_an_administrator_who_names_nobody_is_told(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    await database.execute("UPDATE users SET role = 'admin' WHERE id = $1", person.id)
    status, _ = await person.call("PUT", "/api/admin/users/usr_nobody/budget", json={"day": 1})
    assert status == 404


async def test_limits_show_what_is_used_and_held_and_the_limit_of_requests(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    _, answer = await person.call("GET", "/api/usage/limits")
    assert answer["budgets"] == []
    assert answer["requests"]["limit"] == 100_000
    assert 0 < answer["requests"]["remaining"] < 100_000
    await give(database, gateway, person, day=1_000, month=20_000)
    gateway.engine.say("a", "b", "c")
    await person.ask(await person.conversation(), "Hi", max_tokens=100)
    day, month = await limits(person)
    assert (day["period"], day["limit"], day["used"], day["reserved"], day["remaining"]) == (
        "day",
        1_000,
        8,
        0,
        992,
    )
    assert (month["period"], month["used"], month["remaining"]) == ("month", 8, 19_992)
    assert datetime.fromisoformat(day["resets_at"]).tzinfo is not None


async def test_what_was_used_before_there_was_a_budget_counts(api: Api, database: Postgres) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    await api.booked(database)
    await give(database, api.gateway, api.person, day=20)
    (day,) = await limits(api.person)
    assert day["used"] == 14


async def test_open_tabs_are_told_after_a_turn_when_there_is_a_budget(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    await give(database, gateway, person, day=1_000)
    async with person.http.ws_connect("/api/events") as socket:
        await socket.receive_json()
        await person.ask(await person.conversation(), "Hi", max_tokens=10)
        async with asyncio.timeout(20):
            while True:
                event = orjson.loads((await socket.receive()).data)
                if event["type"] == "limits.updated":
                    break
    assert event["limits"]["budgets"][0]["used"] == 7
    assert event["limits"]["requests"]["limit"] == 100_000


async def test_usage_is_shown_by_key(api: Api, database: Postgres) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    await api.person.ask(await api.person.conversation(), "Hi")
    await api.booked(database)
    _, report = await api.person.call("GET", "/api/usage?days=1")
    assert [(line["key_name"], line["prompt_tokens"]) for line in report["items"]] == [
        (None, 5),
        ("tests", 11),
    ]
    assert report["items"][1]["key_id"].startswith("key_")


async def test_a_budget_for_everybody_comes_from_the_settings_and_a_persons_own_goes_before(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    house = gateway.house
    from tests.gateway.client import listening

    async with listening(house.settings, public_url=gateway.url, budget_tokens_per_day=10) as strict:
        there = person.at(strict)
        assert [item["limit"] for item in await limits(there)] == [10]
        conversation = await there.conversation()
        body = {"content": "Hi", "model": MODEL, "max_tokens": 20}
        assert (await there.call("POST", f"/api/conversations/{conversation}/turns", json=body))[0] == 402
        await give(database, gateway, person, day=1_000)
        assert [item["limit"] for item in await limits(there)] == [1_000]
        await there.ask(conversation, "Hi", max_tokens=20)
        await there.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 4, "max_tokens": 20},
        {"max_completion_tokens": 70},
        {},
    ],
)
async def test_the_most_that_an_api_request_may_produce_is_held(
    api: Api, database: Postgres, fields: dict[str, int]
) -> None:
    await give(database, api.gateway, api.person, day=70)
    api.gateway.engine.tokens = lambda text: 1
    assert (await api.chat(**fields)).status == 429


async def test_a_client_that_leaves_gives_back_what_it_did_not_use(api: Api, database: Postgres) -> None:
    await give(database, api.gateway, api.person, day=100_000)
    api.gateway.engine.stream(*chat_stream(["w"] * 1000), pause=0.02)
    async with aiohttp.ClientSession(api.gateway.url, headers=api.http.headers) as http:
        response = await http.post(
            "/v1/chat/completions",
            data=orjson.dumps(
                {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "a b c"}]}
            ),
        )
        await response.content.readany()
        response.close()
    (entry,) = await api.booked(database)
    assert entry["outcome"] in (None, "disconnected")
    await until(lambda: not api.gateway.house.booking.reserved() and not api.gateway.house.background._tasks)
    await api.gateway.house.booking.flush()
    (entry,) = await api.booked(database)
    spent = entry["prompt_tokens"] + entry["completion_tokens"]
    assert (entry["state"], entry["exact"]) == ("settled", False)
    assert await held(database, api.person.id) == {("day", spent, 0), ("month", spent, 0)}
