"""The relay: the engine's bytes, unchanged; nothing ends in silence."""

import asyncio

import orjson
import pytest

from core.errors import EngineFailed, EngineTimeout
from core.postgres import Postgres
from gateway.inference import Priority
from gateway.inference.claim import ranked
from gateway.inference.fake import FakeEngineResponse, chat_stream
from tests.gateway.client import MODEL, Gateway, Person, until
from tests.gateway.openai_api.conftest import Api

ANSWER = orjson.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Héllo 🦦"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }
)


async def test_a_whole_answer_passes_byte_for_byte(api: Api) -> None:
    api.gateway.engine.refuse(200, ANSWER, {"content-type": "application/json; charset=utf-8"})
    answered = await api.chat()
    assert (answered.status, answered.body) == (200, ANSWER)
    assert answered.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_stream_passes_byte_for_byte_when_usage_was_asked_for(api: Api) -> None:
    frames = chat_stream(["Hé", "llo", " 🦦"])
    api.gateway.engine.stream(*frames)
    answered = await api.chat(stream=True, stream_options={"include_usage": True})
    assert answered.body == b"".join(frames)
    assert answered.headers["content-type"] == "text/event-stream"
    assert answered.headers["cache-control"] == "no-cache"


async def test_the_usage_chunk_is_hidden_from_who_did_not_ask_and_nothing_else_is(api: Api) -> None:
    frames = chat_stream(["Hé", "llo"])
    api.gateway.engine.stream(*frames)
    answered = await api.chat(stream=True)
    assert answered.body == b"".join(frame for frame in frames if b'"usage"' not in frame)


@pytest.mark.parametrize("usage", [False, True])
async def test_a_stream_cut_into_single_bytes_gives_the_same_bytes(api: Api, usage: bool) -> None:
    frames = chat_stream(["Hé", "llo", " 🦦", "\n\n"])
    whole = b"".join(frames)
    api.gateway.engine.stream(*[whole[index : index + 1] for index in range(len(whole))])
    answered = await api.chat(stream=True, stream_options={"include_usage": usage})
    expected = [frame for frame in frames if usage or b'"usage"' not in frame]
    assert answered.body == b"".join(expected)


async def test_what_the_client_sent_reaches_the_engine_untouched(api: Api) -> None:
    body = (
        b'{ "model" : "simulated", "messages":[{"role":"user","content":"\\u00e9 \\/ 1e2"}],"top_k": 5,'
        b'"temperature":0.70000000000000001,"logit_bias":{"5":-1},"metadata":{"a":"b"},"unknown":[1.0, 2e3]}'
    )
    assert (await api.send(body)).status == 200
    assert api.gateway.engine.inference.asked[0][2] == body


async def test_a_stream_asks_the_engine_for_its_usage_and_changes_nothing_else(api: Api) -> None:
    body = b'{"model":"simulated","messages":[{"role":"user","content":"Hi"}],"stream":true } '
    assert (await api.send(body)).status == 200
    sent = api.gateway.engine.inference.asked[-1][2]
    assert orjson.loads(sent) == {**orjson.loads(body), "stream_options": {"include_usage": True}}
    assert sent.startswith(body.rstrip().removesuffix(b"}").rstrip())


async def test_other_stream_options_are_kept(api: Api) -> None:
    await api.chat(stream=True, stream_options={"continuous_usage_stats": True, "include_usage": False})
    assert api.gateway.engine.asked()[-1]["stream_options"] == {
        "continuous_usage_stats": True,
        "include_usage": True,
    }


async def test_a_completion_goes_its_own_way(api: Api) -> None:
    answer = orjson.dumps({"choices": [{"text": "!"}], "usage": {"prompt_tokens": 2, "completion_tokens": 1}})
    api.gateway.engine.refuse(200, answer)
    answered = await api.send({"model": MODEL, "prompt": "Hi"}, path="/v1/completions")
    assert (answered.status, answered.body) == (200, answer)
    assert api.gateway.engine.asked("/v1/completions") == [{"model": MODEL, "prompt": "Hi"}]


async def test_every_answer_carries_the_callers_request_id_and_the_headers_clients_read(api: Api) -> None:
    for stream in (False, True):
        async with api.http.post(
            "/v1/chat/completions",
            json={"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "stream": stream},
            headers={"x-request-id": "mine-1.2:3"},
        ) as response:
            await response.read()
            assert response.headers.getall("x-request-id") == ["mine-1.2:3"]
            assert int(response.headers["openai-processing-ms"]) >= 0
            assert int(response.headers["x-ratelimit-limit-requests"]) == 100_000
            assert 0 < int(response.headers["x-ratelimit-remaining-requests"]) < 100_000
            assert response.headers["x-ratelimit-reset-requests"].endswith("s")


async def test_the_trace_of_the_caller_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    inference = api.gateway.house.inference
    seen: list[str] = []
    original = inference.send

    async def spy(*args: object, traceparent: str, **more: object) -> object:
        seen.append(traceparent)
        return await original(*args, traceparent=traceparent, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(inference, "send", spy)
    trace = "0af7651916cd43dd8448eb211c80319c"
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    await api.send(body, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    await api.send(body, headers={"traceparent": "nonsense"})
    assert seen[0].split("-")[1] == trace
    assert len(seen[1].split("-")[1]) == 32


@pytest.mark.parametrize(
    "error", [EngineFailed("The engine went away."), EngineTimeout("The engine fell silent.")]
)
async def test_an_engine_that_breaks_in_mid_stream_is_told_as_the_last_event(
    api: Api, error: EngineFailed | EngineTimeout
) -> None:
    frames = chat_stream(["half"])[:2]
    api.gateway.engine.stream(*frames, b'data: {"cut', error)
    answered = await api.chat(stream=True)
    assert answered.body.startswith(b"".join(frames))
    last = answered.body.removeprefix(b"".join(frames))
    assert last.startswith(b"data: ")
    assert last.endswith(b"\n\n")
    told = orjson.loads(last[6:])
    assert told["error"]["message"] == error.detail
    assert b"[DONE]" not in answered.body


async def test_an_engine_that_just_ends_is_told_as_an_error(api: Api) -> None:
    api.gateway.engine.stream(*chat_stream(["half"])[:3])
    answered = await api.chat(stream=True)
    assert orjson.loads(answered.body.split(b"\n\n")[-2][6:])["error"]["type"] == "server_error"


async def test_a_model_that_writes_done_itself_does_not_hide_that_the_engine_broke(api: Api) -> None:
    api.gateway.engine.stream(*chat_stream(["data: [DONE]", "[DONE]"])[:3])
    answered = await api.chat(stream=True)
    assert b'"error"' in answered.body.split(b"\n\n")[-2]


async def test_an_engines_own_error_event_passes_and_the_end_is_not_silent(api: Api) -> None:
    frame = b'data: {"error":{"message":"out of memory","code":500}}\n\n'
    api.gateway.engine.stream(*chat_stream(["x"])[:2], frame)
    assert frame in (await api.chat(stream=True)).body


async def test_leaving_a_stream_cancels_the_engine_and_charges_what_was_made(
    api: Api, database: Postgres
) -> None:
    api.gateway.engine.say(*["word "] * 2_000, pause=0.01)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "one two three"}], "stream": True}
    async with api.http.post("/v1/chat/completions", json=body) as response:
        for _ in range(8):
            await response.content.readuntil(b"\n\n")
        response.close()
    await until(lambda: api.gateway.engine.responses[0].closed_early)
    (entry,) = await api.booked(database)
    assert (entry["outcome"], entry["exact"], entry["prompt_tokens"]) == ("disconnected", False, 3)
    assert 6 <= entry["completion_tokens"] < 2_000


async def test_leaving_before_a_whole_answer_cancels_the_engine_and_charges_the_prompt(
    api: Api, database: Postgres
) -> None:
    api.gateway.engine.answers.append(lambda *_: FakeEngineResponse(200, [ANSWER], {}, 30))
    asking = asyncio.create_task(api.chat())
    await until(lambda: api.gateway.engine.responses != [])
    asking.cancel()
    await until(lambda: api.gateway.engine.responses[0].closed_early)
    (entry,) = await api.booked(database)
    assert (entry["outcome"], entry["exact"], entry["prompt_tokens"]) == ("disconnected", False, 3)


async def test_a_slow_reader_gets_every_byte(api: Api) -> None:
    big = "x" * 50_000
    frames = chat_stream([big] * 60)
    api.gateway.engine.stream(*frames)
    async with api.http.post(
        "/v1/chat/completions",
        json={
            "model": MODEL,
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ) as response:
        await asyncio.sleep(0.3)
        assert await response.read() == b"".join(frames)


async def test_an_access_token_is_as_good_as_a_key(gateway: Gateway, person: Person) -> None:
    gateway.engine.refuse(200, ANSWER)
    status, answer = await person.call(
        "POST",
        "/v1/chat/completions",
        json={"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]},
    )
    assert (status, answer) == (200, orjson.loads(ANSWER))


@pytest.mark.parametrize(
    ("tier", "priority"), [(None, Priority.API), ("auto", Priority.API), ("flex", Priority.JOB)]
)
async def test_a_flexible_request_says_that_others_may_go_first(
    api: Api, tier: str | None, priority: Priority
) -> None:
    asked = {"service_tier": tier} if tier else {}
    await api.chat(stream=True, max_tokens=50, **asked)
    claim = api.gateway.engine.inference.claims[-1]
    assert claim.priority is priority
    assert 50 < claim.tokens < 200
    # What only vLLM understands is not sent to others.
    assert "priority" not in api.gateway.engine.asked()[-1]


def test_vllm_is_told_the_priority_and_nothing_else_changes() -> None:
    body = orjson.dumps({"model": MODEL, "messages": [{"role": "user", "content": "}"}]}) + b"\n"
    told = orjson.loads(ranked(body, "vllm", Priority.JOB))
    assert told == {**orjson.loads(body), "priority": 20}
    assert ranked(body, "vllm", Priority.CHAT) == body
    assert ranked(body, "simulated", Priority.JOB) == body
