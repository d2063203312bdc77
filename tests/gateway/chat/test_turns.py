"""Turns over HTTP, with the real database."""

import asyncio

from tests.gateway.conftest import Gateway, Person


async def test_a_turn_streams_numbered_events_and_ends_once(person: Person) -> None:
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi")
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    kinds = [kind for _, kind, _ in events]
    assert kinds[0] == "turn.started"
    assert kinds[-2:] == ["usage", "turn.completed"]
    assert "".join(data["text"] for _, kind, data in events if kind == "delta") == "Hello there"


async def test_what_was_acknowledged_is_stored_with_its_figures(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    question, answer = await person.messages(conversation)
    assert (question["role"], question["content"]) == ("user", "Hi")
    assert (answer["content"], answer["status"], answer["finish_reason"]) == ("Hello there", "complete", "stop")
    assert (answer["prompt_tokens"], answer["completion_tokens"]) == (5, 2)
    assert answer["parent_id"] == question["id"]


async def test_stop_keeps_the_text_and_frees_the_engine(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    async with person.http.post(
        f"/api/conversations/{conversation}/turns", json={"content": "Count", "model": "simulated"}
    ) as response:
        turn = (await response.json())["turn_id"]
    await asyncio.sleep(0.3)
    async with person.http.post(f"/api/turns/{turn}/stop") as response:
        assert response.status == 202
    async with person.http.get(f"/api/turns/{turn}/events") as response:
        body = (await response.read()).decode()
    assert body.count("event: turn.stopped") == 1
    answer = (await person.messages(conversation))[-1]
    assert answer["status"] == "stopped"
    assert answer["content"].startswith("word word")
