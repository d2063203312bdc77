"""Turns over HTTP, with the real database."""

import asyncio

from core.postgres import Postgres
from gateway.inference.fake import chat_stream
from tests.gateway.client import MODEL, Gateway, Person, events_of, text_of


async def test_a_turn_streams_numbered_events_and_ends_once(person: Person) -> None:
    events = await person.ask(await person.conversation(), "Hi")
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    kinds = [kind for _, kind, _ in events]
    assert kinds[0] == "turn.started"
    assert kinds[-2:] == ["usage", "turn.completed"]
    assert sum(kind in ("turn.completed", "turn.stopped", "turn.failed") for kind in kinds) == 1
    assert text_of(events) == "Hello there"


async def test_the_first_event_names_everything_of_the_turn(person: Person) -> None:
    conversation = await person.conversation()
    (_, kind, started), *_ = await person.ask(conversation, "Hi")
    question, answer = await person.messages(conversation)
    assert kind == "turn.started"
    assert started == {
        "turn_id": answer["turn_id"],
        "conversation_id": conversation,
        "message_id": question["id"],
        "answer_id": answer["id"],
        "model": MODEL,
        "revision": "r1",
        "trimmed_messages": 0,
        "summarised_messages": 0,
    }


async def test_what_was_acknowledged_is_stored_with_its_figures(person: Person) -> None:
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi")
    question, answer = await person.messages(conversation)
    assert (question["role"], question["content"]) == ("user", "Hi")
    assert (answer["content"], answer["status"]) == ("Hello there", "complete")
    assert answer["finish_reason"] == "stop"
    assert (answer["prompt_tokens"], answer["completion_tokens"]) == (5, 2)
    assert answer["parent_id"] == question["id"]
    completed = events[-1][2]
    assert (answer["ttft_ms"], answer["duration_ms"]) == (completed["ttft_ms"], completed["duration_ms"])
    assert 0 <= answer["ttft_ms"] <= answer["duration_ms"]


async def test_asked_without_a_stream_the_ids_come_back_and_the_message_is_stored(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    status, begun = await person.call(
        "POST", f"/api/conversations/{conversation}/turns", json={"content": "Hi", "model": MODEL}
    )
    assert status == 201
    assert set(begun) == {"turn_id", "message_id", "answer_id"}
    question, answer = await person.messages(conversation)
    assert (question["id"], question["content"]) == (begun["message_id"], "Hi")
    assert (answer["id"], answer["status"]) == (begun["answer_id"], "streaming")
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    assert shown["running_turn_id"] == begun["turn_id"]
    await person.call("POST", f"/api/turns/{begun['turn_id']}/stop")
    await person.follow(begun["turn_id"])
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    assert shown["running_turn_id"] is None


async def test_a_second_turn_while_one_runs_is_refused_and_changes_nothing(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    turn = await person.begin(conversation)
    status, problem = await person.call(
        "POST", f"/api/conversations/{conversation}/turns", json={"content": "Again", "model": MODEL}
    )
    assert (status, problem["code"]) == (409, "turn_running")
    assert len(await person.messages(conversation)) == 2
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)
    assert text_of(await person.ask(conversation, "Now")) == "Hello there"


async def test_of_many_turns_begun_at_once_exactly_one_runs(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    for _ in range(8):
        gateway.engine.say(*["word "] * 200, pause=0.02)
    answers = await asyncio.gather(
        *(
            person.call(
                "POST", f"/api/conversations/{conversation}/turns", json={"content": "Hi", "model": MODEL}
            )
            for _ in range(8)
        )
    )
    assert sorted(status for status, _ in answers) == [201, *[409] * 7]
    assert len(await person.messages(conversation)) == 2
    # The engine is asked before the database has decided; whoever lost let go of it.
    kept = [response for response in gateway.engine.responses if not response.closed_early]
    assert len(kept) == 1
    (turn,) = [body["turn_id"] for status, body in answers if status == 201]
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)


async def test_the_parameters_reach_the_engine_and_nothing_else_does(
    gateway: Gateway, person: Person
) -> None:
    wanted = {"temperature": 0.25, "top_p": 0.5, "max_tokens": 7, "seed": 42, "stop": ["END", "\n\n"]}
    await person.ask(await person.conversation(), "Hi", **wanted)
    (body,) = gateway.engine.asked()
    assert body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "return_token_ids": True,
        "include_stop_str_in_output": True,
        **wanted,
    }


async def test_the_system_prompt_and_the_history_come_before_the_new_message(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation(system_prompt="Be brief.")
    await person.ask(conversation, "One")
    await person.ask(conversation, "Two")
    assert gateway.engine.asked()[-1]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Hello there"},
        {"role": "user", "content": "Two"},
    ]


async def test_parameters_out_of_bounds_are_refused_before_the_engine_is_asked(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    for field, value in {
        "temperature": 2.1,
        "top_p": 0,
        "max_tokens": 0,
        "seed": -1,
        "stop": ["a"] * 5,
        "content": "   ",
        "unknown": 1,
    }.items():
        status, problem = await person.call(
            "POST",
            f"/api/conversations/{conversation}/turns",
            json={"content": "Hi", "model": MODEL, field: value},
        )
        assert (status, problem["code"]) == (422, "invalid"), field
        assert problem["errors"][0]["field"].startswith(field)
    assert gateway.engine.asked() == []
    assert await person.messages(conversation) == []


async def test_a_nul_character_in_a_message_is_refused_with_a_sentence(person: Person) -> None:
    status, problem = await person.call(
        "POST",
        f"/api/conversations/{await person.conversation()}/turns",
        json={"content": "a\x00b", "model": MODEL},
    )
    assert (status, problem["code"]) == (422, "invalid")
    assert "NUL" in problem["detail"]


async def test_a_model_that_is_not_there_is_not_found(person: Person) -> None:
    status, problem = await person.call(
        "POST",
        f"/api/conversations/{await person.conversation()}/turns",
        json={"content": "Hi", "model": "nobody"},
    )
    assert (status, problem["code"]) == (404, "model_not_found")


async def test_the_tokens_of_a_turn_are_reserved_once_and_settled_once(
    person: Person, database: Postgres
) -> None:
    events = await person.ask(await person.conversation(), "Hi")
    turn = events[0][2]["turn_id"]
    rows = await database.fetch("SELECT * FROM ledger_entries WHERE reference = $1", turn)
    assert len(rows) == 1
    entry = dict(rows[0])
    assert (entry["kind"], entry["state"], entry["outcome"]) == ("turn", "settled", "completed")
    assert (entry["prompt_tokens"], entry["completion_tokens"], entry["exact"]) == (5, 2, True)
    assert entry["user_id"] == person.id


async def test_what_a_model_writes_arrives_as_it_was_written(gateway: Gateway, person: Person) -> None:
    words = ["<script>alert(1)</script>", "\n\n", "data: x\n\nid: 9\n", "日本語 🦦", "\u2028", '"\\', "a\rb"]
    gateway.engine.say(*words)
    conversation = await person.conversation()
    assert text_of(await person.ask(conversation, "Hi")) == "".join(words)
    assert (await person.messages(conversation))[-1]["content"] == "".join(words)


async def test_a_nul_character_from_a_model_does_not_lose_the_answer(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.say("be", "fore\x00af", "ter")
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi")
    assert events[-1][1] == "turn.completed"
    assert text_of(events) == "before\ufffdafter"
    assert (await person.messages(conversation))[-1]["content"] == "before\ufffdafter"


async def test_impossible_figures_from_an_engine_do_not_lose_the_answer(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.stream(*chat_stream(["kept"], prompt_tokens=99_999_999_999_999))
    conversation = await person.conversation()
    assert (await person.ask(conversation, "Hi"))[-1][1] == "turn.completed"
    answer = (await person.messages(conversation))[-1]
    assert (answer["content"], answer["status"]) == ("kept", "complete")
    assert answer["prompt_tokens"] < 2**31


async def test_the_stream_is_not_stored_by_anyone_on_its_way(person: Person) -> None:
    async with person.http.post(
        f"/api/conversations/{await person.conversation()}/turns",
        json={"content": "Hi", "model": MODEL},
        headers={"Accept": "text/event-stream"},
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        assert events_of(await response.read())
