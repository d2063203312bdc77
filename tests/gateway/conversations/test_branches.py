"""The messages of a conversation are a tree; one path of it is visible."""

import asyncio
from typing import Any

import pytest

from tests.gateway.client import Gateway, Person

ALONE = {"index": 1, "count": 1, "previous_id": None, "next_id": None}


async def said(person: Person, conversation: str) -> list[str]:
    return [message["content"] for message in await person.messages(conversation)]


async def show(person: Person, conversation: str, message: str) -> tuple[int, Any]:
    return await person.call("POST", f"/api/conversations/{conversation}/head", json={"message_id": message})


async def test_an_edit_makes_a_sibling_of_the_message_and_becomes_visible(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "One")
    first_answer = (await person.messages(conversation))[-1]["id"]
    await person.ask(conversation, "Two")
    old = (await person.messages(conversation))[2]
    gateway.engine.reset()
    await person.ask(conversation, "Two, better", parent_id=old["parent_id"])
    assert await said(person, conversation) == ["One", "Hello there", "Two, better", "Hello there"]
    prompt = [message["content"] for message in gateway.engine.asked()[-1]["messages"]]
    assert prompt == ["One", "Hello there", "Two, better"]
    messages = await person.messages(conversation)
    assert messages[2]["parent_id"] == first_answer
    assert messages[2]["siblings"] == {"index": 2, "count": 2, "previous_id": old["id"], "next_id": None}
    assert messages[0]["siblings"] == messages[1]["siblings"] == messages[3]["siblings"] == ALONE


async def test_null_begins_anew_beside_the_first_message(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "One")
    first = (await person.messages(conversation))[0]["id"]
    await person.ask(conversation, "Another one", parent_id=None)
    assert gateway.engine.asked()[-1]["messages"] == [{"role": "user", "content": "Another one"}]
    question, answer = await person.messages(conversation)
    assert (question["parent_id"], question["content"]) == (None, "Another one")
    assert question["siblings"] == {"index": 2, "count": 2, "previous_id": first, "next_id": None}
    assert answer["siblings"] == ALONE


async def test_three_answers_know_each_other_in_order_of_creation(person: Person) -> None:
    conversation = await person.conversation()
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    answers = [(await person.messages(conversation))[-1]["id"]]
    for _ in range(2):
        _, begun = await person.call("POST", f"/api/turns/{turn}/retry")
        await person.follow(begun["turn_id"])
        answers.append(begun["answer_id"])
    for index, answer in enumerate(answers):
        status, _ = await show(person, conversation, answer)
        assert status == 200
        shown = (await person.messages(conversation))[-1]
        assert shown["id"] == answer
        assert shown["siblings"] == {
            "index": index + 1,
            "count": 3,
            "previous_id": answers[index - 1] if index else None,
            "next_id": answers[index + 1] if index < 2 else None,
        }


async def test_showing_a_branch_goes_to_its_newest_leaf_and_the_next_turn_goes_on_there(
    person: Person,
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Root")
    root_answer = (await person.messages(conversation))[-1]["id"]
    await person.ask(conversation, "Left")
    left = (await person.messages(conversation))[2]["id"]
    await person.ask(conversation, "Left, deeper")
    await person.ask(conversation, "Right", parent_id=root_answer)
    _, before = await person.call("GET", f"/api/conversations/{conversation}")
    status, shown = await show(person, conversation, left)
    assert (status, shown["id"]) == (200, conversation)
    # Looking is not writing: it stays where it is in the list.
    assert shown["updated_at"] == before["updated_at"]
    path = ["Root", "Hello there", "Left", "Hello there", "Left, deeper", "Hello there"]
    assert await said(person, conversation) == path
    await person.ask(conversation, "Deepest")
    assert await said(person, conversation) == [*path, "Deepest", "Hello there"]
    # Of the whole tree the newest leaf is that one; of the right branch its own.
    await show(person, conversation, root_answer)
    assert (await said(person, conversation))[-2] == "Deepest"


async def test_no_branch_is_shown_while_a_turn_runs(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "One")
    message = (await person.messages(conversation))[0]["id"]
    gateway.engine.say(*["word "] * 300, pause=0.02)
    turn = await person.begin(conversation)
    status, problem = await show(person, conversation, message)
    assert (status, problem["code"]) == (409, "turn_running")
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)
    assert (await show(person, conversation, message))[0] == 200


async def test_a_branch_shown_at_the_moment_a_turn_begins_never_hides_the_new_answer(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "One")
    first = (await person.messages(conversation))[0]["id"]
    await person.ask(conversation, "Two", parent_id=None)
    for number in range(5):
        gateway.engine.say(*["word "] * 20, pause=0.01)
        turn, _ = await asyncio.gather(
            person.begin(conversation, f"q{number}"), show(person, conversation, first)
        )
        await person.follow(turn)
        shown = await person.messages(conversation)
        assert shown[-1]["turn_id"] == turn


@pytest.mark.parametrize("message", ["msg_" + "0" * 32, "nothing", "'; --", ""])
async def test_a_message_from_elsewhere_is_not_there(person: Person, stranger: Person, message: str) -> None:
    mine = await person.conversation()
    await person.ask(mine, "Hi")
    theirs = await stranger.conversation()
    await stranger.ask(theirs, "secret")
    secret = (await stranger.messages(theirs))[-1]["id"]
    before = await person.messages(mine)
    for foreign in (message, secret):
        status, problem = await show(person, mine, foreign)
        assert (status, problem["code"]) == (404, "not_found")
        status, problem = await person.call(
            "POST",
            f"/api/conversations/{mine}/turns",
            json={"content": "Hi", "model": "simulated", "parent_id": foreign},
        )
        assert (status, problem["code"]) == (404, "not_found")
    assert await person.messages(mine) == before


async def test_a_message_does_not_go_below_a_message_of_the_person(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    question = (await person.messages(conversation))[0]["id"]
    status, problem = await person.call(
        "POST",
        f"/api/conversations/{conversation}/turns",
        json={"content": "Hi", "model": "simulated", "parent_id": question},
    )
    assert (status, problem["errors"][0]["field"]) == (422, "parent_id")
