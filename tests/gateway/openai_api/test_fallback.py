"""Until the first token another replica, revision or model may answer; the answer's head says who did."""

import orjson
import pytest

from core.errors import EngineFailed, EngineLost
from core.postgres import Postgres
from gateway.inference.fake import FakeEngineResponse, chat_stream
from tests.gateway.client import MODEL
from tests.gateway.openai_api.conftest import Api
from tests.gateway.openai_api.test_relay import ANSWER


async def test_an_answer_says_which_revision_gave_it(api: Api) -> None:
    for stream in (False, True):
        if not stream:
            api.gateway.engine.refuse(200, ANSWER)
        answered = await api.chat(stream=stream)
        assert answered.headers["x-headrace-model"] == f"{MODEL}@r1"
        assert "x-headrace-fallback-for" not in answered.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_a_replica_that_dies_before_the_first_token_is_not_noticed(
    api: Api, database: Postgres, stream: bool
) -> None:
    def gone(*_: object) -> FakeEngineResponse:
        raise EngineLost

    api.gateway.engine.nobody()
    api.gateway.engine.answers.append(gone)
    api.gateway.engine.stream(EngineLost())
    if stream:
        api.gateway.engine.stream(*chat_stream(["Hello"], prompt_tokens=11, completion_tokens=3))
    else:
        api.gateway.engine.refuse(200, ANSWER)
    answered = await api.chat(stream=stream)
    assert answered.status == 200
    assert b"error" not in answered.body
    assert len(api.gateway.engine.asked()) == 4
    (entry,) = await api.booked(database)
    assert (entry["outcome"], entry["prompt_tokens"], entry["completion_tokens"]) == ("completed", 11, 3)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_another_model_answers_in_its_place_and_is_charged(
    api: Api, database: Postgres, spare: str, status: int, stream: bool
) -> None:
    api.gateway.engine.refuse(status, b'{"error":{"message":"no"}}')
    if stream:
        api.gateway.engine.stream(*chat_stream(["Hello"], prompt_tokens=11, completion_tokens=3))
    else:
        api.gateway.engine.refuse(200, ANSWER)
    answered = await api.chat(stream=stream)
    assert answered.status == 200
    assert answered.headers["x-headrace-model"] == f"{spare}@r1"
    assert answered.headers["x-headrace-fallback-for"] == MODEL
    assert [body["model"] for body in api.gateway.engine.asked()] == [MODEL, spare]
    (entry,) = await api.booked(database)
    assert (entry["model"], entry["prompt_tokens"], entry["completion_tokens"]) == (spare, 11, 3)


async def test_where_the_other_one_cannot_either_its_refusal_is_told(api: Api, spare: str) -> None:
    api.gateway.engine.refuse(500, b"")
    api.gateway.engine.refuse(429, b"", {"retry-after": "7"})
    answered = await api.chat()
    assert (answered.status, answered.error["code"]) == (429, "rate_limit_exceeded")
    assert answered.headers["retry-after"] == "7"
    assert answered.headers["x-headrace-model"] == f"{spare}@r1"


async def test_after_the_first_token_nobody_else_is_asked(api: Api, spare: str) -> None:
    frames = chat_stream(["Hello", "there"])
    api.gateway.engine.stream(*frames[:2], EngineFailed("It broke."))
    answered = await api.chat(stream=True)
    assert answered.status == 200
    assert len(api.gateway.engine.asked()) == 1
    last = answered.body.strip().split(b"\n\n")[-1]
    assert orjson.loads(last.removeprefix(b"data: "))["error"]["message"] == "It broke."


async def test_a_wrong_request_is_not_asked_of_anybody_else(api: Api, spare: str) -> None:
    api.gateway.engine.refuse(400, b'{"error":{"message":"temperature is odd","param":"temperature"}}')
    answered = await api.chat()
    assert (answered.status, answered.error["param"]) == (400, "temperature")
    assert len(api.gateway.engine.asked()) == 1


async def test_who_may_not_ask_the_other_model_is_not_answered_by_it(api: Api, spare: str) -> None:
    status, key = await api.person.call("POST", "/api/keys", json={"name": "bound", "models": [MODEL]})
    assert status == 201, key
    api.gateway.engine.refuse(500, b"")
    answered = await api.send(
        {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]},
        headers={"Authorization": f"Bearer {key['key']}"},
    )
    assert answered.status == 502
    assert len(api.gateway.engine.asked()) == 1
