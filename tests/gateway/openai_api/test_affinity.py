"""Requests that begin alike have one mark, so that they can meet the replica that has read the beginning."""

from typing import Any

import msgspec
import orjson
import pytest

from gateway.openai_api.body import ALIKE_BYTES, ChatHead, CompletionHead, affinity_of
from tests.gateway.client import MODEL, Gateway, Person
from tests.gateway.openai_api.conftest import Api, api

__all__ = ["api"]


def chat(*contents: Any) -> str:
    messages = [{"role": "user", "content": content} for content in contents]
    body = orjson.dumps({"model": "m", "messages": messages})
    return affinity_of(msgspec.json.decode(body, type=ChatHead))


def completion(prompt: Any) -> str:
    body = orjson.dumps({"model": "m", "prompt": prompt})
    return affinity_of(msgspec.json.decode(body, type=CompletionHead))


def test_a_conversation_keeps_its_mark_as_it_grows() -> None:
    assert chat("system", "first") == chat("system", "first", "answer", "second")
    assert chat("system", "first") != chat("system", "other")
    assert chat("system", "first") != chat("other", "first")
    assert chat("one") != chat("two")


def test_only_the_beginning_of_a_long_text_counts() -> None:
    begin = "x" * ALIKE_BYTES
    assert chat(begin + "one") == chat(begin + "two")
    assert completion(begin + "one") == completion(begin + "two")
    assert completion("one") != completion("two")


@pytest.mark.parametrize("content", [None, "", [], [{"type": "text", "text": "a"}], 7])
def test_whatever_a_message_holds_has_a_mark(content: Any) -> None:
    assert len(chat(content)) == 8


async def test_turns_of_a_conversation_say_which_one_it_is(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.inference.claims.clear()
    await person.ask(conversation, "Hi")
    await person.ask(conversation, "And?")
    assert [claim.affinity for claim in gateway.engine.inference.claims[:2]] == [conversation] * 2


async def test_requests_over_v1_carry_their_mark(api: Api) -> None:
    assert (await api.chat(stream=True)).status == 200
    target, _, raw = api.gateway.engine.inference.asked[-1]
    assert target.model == MODEL
    expected = affinity_of(msgspec.json.decode(raw, type=ChatHead))
    assert api.gateway.engine.inference.claims[-1].affinity == expected != ""
