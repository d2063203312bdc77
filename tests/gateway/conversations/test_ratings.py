"""Thumbs: what a person thinks of an answer."""

import asyncio
from typing import Any

import orjson
import pytest

from tests.gateway.client import Person


async def rate(person: Person, conversation: str, message: str, rating: object) -> tuple[int, Any]:
    return await person.call(
        "PATCH", f"/api/conversations/{conversation}/messages/{message}", json={"rating": rating}
    )


async def test_an_answer_is_rated_and_the_rating_is_taken_back(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    answer = (await person.messages(conversation))[-1]
    assert answer["rating"] is None
    async with person.http.ws_connect("/api/events") as socket:
        assert orjson.loads((await socket.receive()).data)["type"] == "hello"
        for rating in ("up", "down", "down", None):
            assert (await rate(person, conversation, answer["id"], rating)) == (204, None)
            async with asyncio.timeout(20):
                while (event := orjson.loads((await socket.receive()).data))["type"] != "message.rated":
                    pass
            assert event == {
                "type": "message.rated",
                "conversation_id": conversation,
                "message_id": answer["id"],
                "rating": rating,
            }
            assert (await person.messages(conversation))[-1]["rating"] == rating


@pytest.mark.parametrize("rating", ["", "sideways", 1, True, ["up"]])
async def test_a_rating_that_is_none_is_refused(person: Person, rating: object) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    answer = (await person.messages(conversation))[-1]
    status, problem = await rate(person, conversation, answer["id"], rating)
    assert (status, problem["errors"][0]["field"]) == (422, "rating")
    status, _ = await person.call(
        "PATCH", f"/api/conversations/{conversation}/messages/{answer['id']}", json={}
    )
    assert status == 422


async def test_only_answers_of_this_conversation_are_rated(person: Person, stranger: Person) -> None:
    conversation, other = await person.conversation(), await person.conversation()
    await person.ask(conversation, "Hi")
    question, answer = await person.messages(conversation)
    assert (await rate(person, conversation, question["id"], "up"))[0] == 404
    assert (await rate(person, other, answer["id"], "up"))[0] == 404
    assert (await rate(stranger, conversation, answer["id"], "up"))[0] == 404
    assert (await rate(person, conversation, "msg_x", "up"))[0] == 404
    assert [message["rating"] for message in await person.messages(conversation)] == [None, None]
