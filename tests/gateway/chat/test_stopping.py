"""Stop frees the engine and keeps the text; so does deleting the conversation."""

import asyncio

from core.postgres import Postgres
from gateway.inference.fake import FakeEngineResponse
from tests.gateway.client import Gateway, Person, events_of, text_of, until


async def test_stop_keeps_the_text_and_frees_the_engine(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    turn = await person.begin(conversation, "Count")
    await person.begun_to_write(turn)
    status, body = await person.call("POST", f"/api/turns/{turn}/stop")
    assert (status, body) == (202, {"status": "stopping"})
    events = events_of(await person.follow(turn))
    assert [kind for _, kind, _ in events].count("turn.stopped") == 1
    assert events[-1][1] == "turn.stopped"
    assert gateway.engine.responses[0].closed_early
    answer = (await person.messages(conversation))[-1]
    assert answer["status"] == "stopped"
    assert answer["content"] == text_of(events)
    assert answer["content"].startswith("word ")
    entry = await database.fetchrow("SELECT * FROM ledger_entries WHERE reference = $1", turn)
    assert entry is not None
    # The engine had not told its usage yet: each piece is charged as one token, and marked as an estimate.
    assert (entry["outcome"], entry["exact"]) == ("stopped", False)
    assert entry["completion_tokens"] == answer["content"].count("word ")


async def test_stop_reaches_the_process_that_runs_the_turn(
    gateway: Gateway, another_gateway: Gateway, person: Person
) -> None:
    gateway.engine.say(*["word "] * 500, pause=0.02)
    turn = await person.begin(await person.conversation())
    elsewhere = person.at(another_gateway)
    status, body = await elsewhere.call("POST", f"/api/turns/{turn}/stop")
    assert (status, body) == (202, {"status": "stopping"})
    assert events_of(await person.follow(turn))[-1][1] == "turn.stopped"
    await elsewhere.close()


async def test_stop_after_the_end_says_how_it_ended(person: Person) -> None:
    turn = await person.begin(await person.conversation())
    await person.follow(turn)
    assert await person.call("POST", f"/api/turns/{turn}/stop") == (202, {"status": "completed"})


async def test_stop_before_the_engine_answers_ends_the_turn(gateway: Gateway, person: Person) -> None:
    asked = asyncio.Event()

    async def slow(*_: object, **__: object) -> FakeEngineResponse:
        asked.set()
        await asyncio.sleep(60)
        raise AssertionError("nobody waits this long")

    original, gateway.house.inference.send = gateway.house.inference.send, slow  # type: ignore[method-assign]
    try:
        turn = await person.begin(await person.conversation())
        await asyncio.wait_for(asked.wait(), 10)
        await person.call("POST", f"/api/turns/{turn}/stop")
        events = events_of(await person.follow(turn))
    finally:
        gateway.house.inference.send = original  # type: ignore[method-assign]
    assert [kind for _, kind, _ in events] == ["turn.started", "usage", "turn.stopped"]
    assert events[-1][2]["ttft_ms"] is None


async def test_deleting_a_conversation_stops_its_turn(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    turn = await person.begin(conversation)
    following = asyncio.create_task(person.follow(turn))
    await person.begun_to_write(turn)
    assert await person.call("DELETE", f"/api/conversations/{conversation}") == (204, None)
    assert events_of(await following)[-1][1] == "turn.stopped"
    assert gateway.engine.responses[0].closed_early
    await until(lambda: gateway.house.runner._running == {})
    row = await database.fetchrow("SELECT status FROM turns WHERE id = $1", turn)
    assert row is not None
    assert row["status"] == "stopped"


async def test_a_deleted_conversation_is_gone_from_every_address(person: Person) -> None:
    conversation = await person.conversation()
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    await person.call("DELETE", f"/api/conversations/{conversation}")
    for method, path in [
        ("GET", f"/api/conversations/{conversation}"),
        ("GET", f"/api/conversations/{conversation}/messages"),
        ("DELETE", f"/api/conversations/{conversation}"),
        ("GET", f"/api/turns/{turn}/events"),
        ("POST", f"/api/turns/{turn}/stop"),
        ("POST", f"/api/turns/{turn}/retry"),
    ]:
        status, problem = await person.call(method, path)
        assert (status, problem["code"]) == (404, "not_found"), path
