"""A request that is sent again, at once, later or after a crash, makes one turn."""

import asyncio
from typing import Any

import pytest

from core.ids import new_id
from core.postgres import Postgres
from tests.gateway.client import MODEL, Gateway, Person, events_of, text_of

Answered = tuple[int, dict[str, Any], bool]


async def post(person: Person, path: str, body: dict[str, Any], key: str, **headers: str) -> Answered:
    """Status, body, and whether the answer is a repeated one."""
    async with person.http.post(path, json=body, headers={"Idempotency-Key": key, **headers}) as response:
        return (
            response.status,
            await response.json(),
            response.headers.get("Idempotency-Replayed") == "true",
        )


async def ask(person: Person, conversation: str, content: str, key: str) -> Answered:
    path = f"/api/conversations/{conversation}/turns"
    return await post(person, path, {"content": content, "model": MODEL}, key)


async def turns_of(database: Postgres, person: Person) -> int:
    count: int = await database.fetchval("SELECT count(*) FROM turns WHERE user_id = $1", person.id)
    return count


async def test_100_equal_posts_at_once_make_one_turn(
    gateway: Gateway, another_gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    there = person.at(another_gateway)
    answers = await asyncio.gather(
        *(ask((person, there)[number % 2], conversation, "Hi", "k-1") for number in range(100))
    )
    await there.close()
    assert await turns_of(database, person) == 1
    made = [answer for answer in answers if answer[0] == 201]
    assert sum(not replayed for _, _, replayed in made) == 1
    assert len({body["turn_id"] for _, body, _ in made}) == 1
    for status, body, _ in answers:
        assert status in (201, 409)
        assert status == 201 or (body["code"], body["retry"]) == ("idempotency_in_flight", True)


async def test_the_answer_is_the_same_later_and_in_another_process(
    gateway: Gateway, another_gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    status, first, replayed = await ask(person, conversation, "Hi", "k-1")
    assert (status, replayed) == (201, False)
    await person.follow(first["turn_id"])
    there = person.at(another_gateway)
    assert await ask(there, conversation, "Hi", "k-1") == (201, first, True)
    await there.close()
    assert await turns_of(database, person) == 1


async def test_who_asks_for_a_stream_gets_the_same_turn_from_its_start(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say("One", " turn", " only", pause=0.05)
    streams = []
    for expected in (None, "true"):
        async with person.http.post(
            f"/api/conversations/{conversation}/turns",
            json={"content": "Hi", "model": MODEL},
            headers={"Idempotency-Key": "k", "Accept": "text/event-stream"},
        ) as response:
            assert (response.status, response.headers.get("Idempotency-Replayed")) == (200, expected)
            streams.append(await response.read())
    assert streams[0] == streams[1]
    assert text_of(events_of(streams[1])) == "One turn only"
    assert await turns_of(database, person) == 1


async def test_another_body_or_path_with_the_same_key_is_a_mistake(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation, other = await person.conversation(), await person.conversation()
    _, first, _ = await ask(person, conversation, "Hi", "k")
    await person.follow(first["turn_id"])
    for answered in (
        await ask(person, conversation, "Ho", "k"),
        await ask(person, other, "Hi", "k"),
        await post(person, f"/api/turns/{first['turn_id']}/retry", {}, "k"),
    ):
        assert (answered[0], answered[1]["code"]) == (422, "idempotency_mismatch")
    assert await turns_of(database, person) == 1


async def test_a_retry_with_a_key_makes_one_more_answer(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    turn = await person.begin(conversation)
    await person.follow(turn)
    answers = [await post(person, f"/api/turns/{turn}/retry", {}, "again") for _ in range(3)]
    assert [(status, replayed) for status, _, replayed in answers] == [(201, False), (201, True), (201, True)]
    assert len({body["turn_id"] for _, body, _ in answers} | {turn}) == 2
    assert await turns_of(database, person) == 2


async def test_a_refused_request_frees_its_key(gateway: Gateway, person: Person, database: Postgres) -> None:
    conversation = await person.conversation()
    path = f"/api/conversations/{conversation}/turns"
    refused = await post(person, path, {"content": "Hi", "model": "nobody"}, "k")
    assert (refused[0], refused[1]["code"]) == (404, "model_not_found")
    status, _, replayed = await ask(person, conversation, "Hi", "k")
    assert (status, replayed) == (201, False)


async def test_keys_of_two_people_do_not_meet(gateway: Gateway, person: Person, stranger: Person) -> None:
    for someone in (person, stranger):
        status, _, replayed = await ask(someone, await someone.conversation(), "Hi", "same")
        assert (status, replayed) == (201, False)


@pytest.mark.parametrize("key", ["", "a" * 256, "two words", "umläut"])
async def test_a_key_that_is_none_is_refused(person: Person, key: str) -> None:
    conversation = await person.conversation()
    status, body, _ = await ask(person, conversation, "Hi", key)
    assert (status, body["code"]) == (422, "invalid")


async def claimed(database: Postgres, person: Person, key: str, reference: str, seconds: int) -> None:
    """As a process leaves a key that is killed before it could answer."""
    await database.execute(
        "UPDATE idempotency_keys SET reference = $3, completed_at = NULL, "
        "claimed_until = now() + make_interval(secs => $4) WHERE user_id = $1 AND key = $2",
        person.id,
        key,
        reference,
        seconds,
    )


async def test_a_turn_that_was_stored_before_its_process_died_is_found(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    _, first, _ = await ask(person, conversation, "Hi", "k")
    for seconds in (60, -1):
        await claimed(database, person, "k", first["turn_id"], seconds)
        assert await ask(person, conversation, "Hi", "k") == (201, first, True)


async def test_a_claim_whose_process_died_before_the_turn_was_stored_is_taken_over_under_the_same_id(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    path = f"/api/conversations/{conversation}/turns"
    await post(person, path, {"content": "Hi", "model": "nobody"}, "k")
    lost = new_id("trn")
    await claimed(database, person, "k", lost, 60)
    refused = await ask(person, conversation, "Hi", "k")
    assert refused[0] == 422, "it was claimed for another body"
    refused = await post(person, path, {"content": "Hi", "model": "nobody"}, "k")
    assert (refused[0], refused[1]["code"]) == (409, "idempotency_in_flight")
    await claimed(database, person, "k", lost, -1)
    status, body, replayed = await ask(person, conversation, "Hi", "k")
    assert (status, body["turn_id"], replayed) == (201, lost, False)


async def test_a_key_is_forgotten_after_a_day_and_not_before(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    for key, hours in (("old", 25), ("young", 23)):
        _, first, _ = await ask(person, conversation, "Hi", key)
        await person.follow(first["turn_id"])
        await database.execute(
            "UPDATE idempotency_keys SET created_at = now() - make_interval(hours => $3) "
            "WHERE user_id = $1 AND key = $2",
            person.id,
            key,
            hours,
        )
    await gateway.house.purge.step()
    rows = await database.fetch("SELECT key FROM idempotency_keys WHERE user_id = $1", person.id)
    assert [row["key"] for row in rows] == ["young"]


async def test_what_was_made_and_deleted_is_not_made_again(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    _, first, _ = await ask(person, conversation, "Hi", "k")
    await person.follow(first["turn_id"])
    await person.call("DELETE", f"/api/conversations/{conversation}")
    status, body, _ = await ask(person, conversation, "Hi", "k")
    assert (status, body["code"]) == (404, "not_found")
    assert await turns_of(database, person) == 1
