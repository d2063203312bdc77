"""Asking again makes a sibling of the answer; the earlier one leaves the visible path."""

from core.postgres import Postgres
from tests.gateway.client import Gateway, Person, text_of


async def retry(person: Person, turn: str) -> str:
    status, begun = await person.call("POST", f"/api/turns/{turn}/retry")
    assert status == 201, begun
    await person.follow(begun["turn_id"])
    return str(begun["turn_id"])


async def test_a_retry_answers_the_same_message_and_replaces_the_visible_answer(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say("first")
    first = (await person.ask(conversation, "Hi"))[0][2]
    gateway.engine.say("second")
    await retry(person, first["turn_id"])
    question, answer = await person.messages(conversation)
    assert question["id"] == first["message_id"]
    assert (answer["content"], answer["parent_id"]) == ("second", question["id"])
    siblings = await database.fetch(
        "SELECT content FROM messages WHERE parent_id = $1 ORDER BY created_at", question["id"]
    )
    assert [row["content"] for row in siblings] == ["first", "second"]


async def test_the_earlier_answer_is_not_in_the_prompt_any_more(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say("wrong")
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    await retry(person, turn)
    assert gateway.engine.asked()[-1]["messages"] == [{"role": "user", "content": "Hi"}]
    gateway.engine.say("x")
    await person.ask(conversation, "More")
    said = [message["content"] for message in gateway.engine.asked()[-1]["messages"]]
    assert said == ["Hi", "Hello there", "More"]


async def test_a_retry_keeps_the_parameters(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi", temperature=0.5, seed=3, stop=["x"], max_tokens=9)
    await retry(person, events[0][2]["turn_id"])
    first, second = gateway.engine.asked()
    assert first == second


async def test_a_retry_of_a_failed_turn_can_succeed(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.refuse(500, b"")
    events = await person.ask(conversation, "Hi")
    assert events[-1][1] == "turn.failed"
    await retry(person, events[0][2]["turn_id"])
    assert [message["status"] for message in await person.messages(conversation)] == ["complete", "complete"]


async def test_a_retry_of_an_older_turn_goes_on_from_there(person: Person) -> None:
    conversation = await person.conversation()
    first = (await person.ask(conversation, "One"))[0][2]["turn_id"]
    await person.ask(conversation, "Two")
    await retry(person, first)
    assert [message["content"] for message in await person.messages(conversation)] == ["One", "Hello there"]


async def test_a_retry_while_a_turn_runs_is_refused(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 300, pause=0.02)
    turn = await person.begin(conversation)
    status, problem = await person.call("POST", f"/api/turns/{turn}/retry")
    assert (status, problem["code"]) == (409, "turn_running")
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)


async def test_a_retry_streams_at_once_when_asked(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    gateway.engine.say("again")
    async with person.http.post(
        f"/api/turns/{turn}/retry", headers={"Accept": "text/event-stream"}
    ) as response:
        assert response.status == 200
        assert b'"text":"again"' in await response.read()


async def test_the_first_answer_can_still_be_followed(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say("first")
    events = await person.ask(conversation, "Hi")
    turn = events[0][2]["turn_id"]
    before = await person.follow(turn)
    await retry(person, turn)
    assert await person.follow(turn) == before
    assert text_of(events) == "first"
