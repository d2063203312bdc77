"""Whatever an engine does, the turn ends once, with its reason, and the text so far is kept."""

import asyncio

import orjson
import pytest

from core.errors import EngineFailed, EngineTimeout, ModelNotReady
from gateway.inference.fake import FakeEngineResponse, chat_stream
from tests.gateway.client import Gateway, Person, events_of, text_of


def words(text: str) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"delta": {"content": text}}]}) + b"\n\n"


async def test_an_engine_that_breaks_off_leaves_the_partial_text_and_the_reason(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    gateway.engine.stream(words("half of "), words("it"), EngineFailed("The engine went away."), pause=0.02)
    events = await person.ask(conversation, "Hi")
    assert text_of(events) == "half of it"
    assert events[-1][1:] == (
        "turn.failed",
        {"reason": "engine_failed", "message": "The engine went away.", "retry": True},
    )
    answer = (await person.messages(conversation))[-1]
    assert (answer["content"], answer["status"]) == ("half of it", "failed")
    assert answer["error"] == events[-1][2]


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason", "retry", "says"),
    [
        (400, b'{"error":{"message":"top_p is odd"}}', {}, "engine_failed", True, "top_p is odd"),
        (429, b'{"error":{"message":"x"}}', {"retry-after": "7"}, "rate_limited", True, "too much to do"),
        (503, b'{"error":{"message":"Set the key."}}', {}, "model_not_ready", True, "Set the key."),
        (503, b"<html>no replica</html>", {}, "model_not_ready", True, ""),
        (404, b"", {}, "model_not_ready", True, ""),
        (500, b"Traceback (most recent call last): secret", {}, "engine_failed", True, ""),
        (200, b"data: {not json\n\n", {}, "engine_failed", True, "cannot be read"),
        (200, b'data: {"choices":"?"}\n\n', {}, "engine_failed", True, "cannot be read"),
        (200, b"data: 17\n\n", {}, "engine_failed", True, "cannot be read"),
        (200, b'data: {"error":{"message":"out of memory"}}\n\n', {}, "engine_failed", True, "out of memory"),
        (200, b'data: {"error":"x\\u0000y"}\n\n', {}, "engine_failed", True, ""),
    ],
)
async def test_an_engine_that_refuses_or_talks_nonsense_fails_the_turn_with_a_sentence(
    gateway: Gateway,
    person: Person,
    status: int,
    body: bytes,
    headers: dict[str, str],
    reason: str,
    retry: bool,
    says: str,
) -> None:
    conversation = await person.conversation()
    gateway.engine.refuse(status, body, headers)
    events = await person.ask(conversation, "Hi")
    assert [kind for _, kind, _ in events] == ["turn.started", "usage", "turn.failed"]
    failure = events[-1][2]
    assert (failure["reason"], failure["retry"]) == (reason, retry)
    assert says in failure["message"]
    assert "Traceback" not in failure["message"]
    assert failure["message"].endswith(".") or says
    answer = (await person.messages(conversation))[-1]
    assert (answer["status"], answer["content"]) == ("failed", "")


@pytest.mark.parametrize(
    "broken", [b'data: {"error":{"message":"out of memory"}}\n\n', b"data: {not json\n\n"]
)
async def test_text_that_came_together_with_a_failure_is_kept(
    gateway: Gateway, person: Person, broken: bytes
) -> None:
    conversation = await person.conversation()
    gateway.engine.stream(words("half of "), words("it") + broken + words("never read"), words("nor this"))
    events = await person.ask(conversation, "Hi")
    assert text_of(events) == "half of it"
    assert (events[-1][1], events[-1][2]["reason"]) == ("turn.failed", "engine_failed")
    assert (await person.messages(conversation))[-1]["content"] == "half of it"


async def test_an_engine_that_ends_without_saying_so_has_failed(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.stream(words("cut"))
    events = await person.ask(conversation, "Hi")
    assert events[-1][1] == "turn.failed"
    assert (await person.messages(conversation))[-1]["content"] == "cut"


async def test_a_finish_reason_without_done_is_a_whole_answer(gateway: Gateway, person: Person) -> None:
    gateway.engine.stream(*chat_stream(["all"])[:-1])
    events = await person.ask(await person.conversation(), "Hi")
    assert events[-1][1] == "turn.completed"


async def test_an_answer_that_met_its_bound_says_length(gateway: Gateway, person: Person) -> None:
    gateway.engine.say("a", "b", finish="length")
    assert (await person.ask(await person.conversation(), "Hi"))[-1][2]["finish_reason"] == "length"


@pytest.mark.parametrize("error", [ModelNotReady("Nobody is there."), EngineTimeout(), EngineFailed()])
async def test_an_engine_that_cannot_be_reached_fails_the_turn_after_the_message_is_stored(
    gateway: Gateway, person: Person, error: ModelNotReady | EngineTimeout | EngineFailed
) -> None:
    def away(*_: object) -> FakeEngineResponse:
        raise error

    gateway.engine.answers.append(away)
    conversation = await person.conversation()
    events = await person.ask(conversation, "Still there?")
    assert events[-1][2] == {"reason": error.code, "message": error.detail, "retry": error.retry}
    assert (await person.messages(conversation))[0]["content"] == "Still there?"


async def test_a_turn_that_takes_too_long_fails_with_its_text_kept(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.house.runner._generation, "_turn_timeout", 0.3)
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    events = await person.ask(conversation, "Hi")
    assert (events[-1][1], events[-1][2]["reason"]) == ("turn.failed", "engine_timeout")
    assert gateway.engine.responses[0].closed_early
    assert (await person.messages(conversation))[-1]["content"] == text_of(events) != ""


async def test_after_a_failure_the_conversation_goes_on_without_the_empty_answer(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    gateway.engine.refuse(500, b"")
    await person.ask(conversation, "One")
    assert (await person.ask(conversation, "Two"))[-1][1] == "turn.completed"
    assert [message["content"] for message in gateway.engine.asked()[-1]["messages"]] == ["One", "Two"]


async def test_too_many_turns_at_once_are_refused_and_may_be_tried_again(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.house.runner, "_most", 1)
    gateway.engine.say(*["word "] * 500, pause=0.02)
    turn = await person.begin(await person.conversation())
    other = await person.conversation()
    async with person.http.post(
        f"/api/conversations/{other}/turns", json={"content": "Hi", "model": "simulated"}
    ) as response:
        problem = await response.json()
        assert (response.status, problem["code"], problem["retry"]) == (503, "overloaded", True)
        assert int(response.headers["retry-after"]) >= 1
    await person.call("POST", f"/api/turns/{turn}/stop")
    await asyncio.wait_for(person.follow(turn), 20)


async def test_frames_that_come_in_single_bytes_are_read_whole(gateway: Gateway, person: Person) -> None:
    whole = b"".join(chat_stream(["ä", "🦦", " end"]))
    gateway.engine.stream(*[whole[index : index + 1] for index in range(len(whole))])
    turn = await person.begin(await person.conversation())
    assert text_of(events_of(await person.follow(turn))) == "ä🦦 end"


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>"])
async def test_an_answer_that_ends_before_its_first_word_is_asked_for_again(
    gateway: Gateway, person: Person, body: bytes
) -> None:
    conversation = await person.conversation()
    gateway.engine.refuse(200, body, {})
    events = await person.ask(conversation, "Hi")
    assert events[-1][1] == "turn.completed"
    assert len(gateway.engine.inference.asked) == 2


async def test_text_that_comes_together_with_an_error_is_kept(gateway: Gateway, person: Person) -> None:
    gateway.engine.stream(
        b'data: {"choices":[{"delta":{"content":"half"}}]}\n\ndata: {"error":{"message":"broken"}}\n\n'
    )
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi")
    assert (events[-1][1], text_of(events)) == ("turn.failed", "half")
    assert (await person.messages(conversation))[-1]["content"] == "half"
