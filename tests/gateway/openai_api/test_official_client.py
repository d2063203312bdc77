"""The unchanged official `openai` package is the proof that the surface is right."""

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest

from core.settings import Settings
from tests.gateway.client import MODEL, Gateway, listening, until
from tests.gateway.openai_api.conftest import Api
from tests.gateway.openai_api.test_relay import ANSWER

HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def client(api: Api) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{api.gateway.url}/v1", api_key=api.key, max_retries=0, timeout=20
    ) as made:
        yield made


async def test_a_chat_completion(api: Api, client: openai.AsyncOpenAI) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    answer = await client.chat.completions.create(model=MODEL, messages=HI)
    assert answer.choices[0].message.content == "Héllo 🦦"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 14
    assert answer._request_id is not None
    assert answer._request_id.startswith("req_")


async def test_a_stream_with_and_without_usage(api: Api, client: openai.AsyncOpenAI) -> None:
    for usage in (False, True):
        api.gateway.engine.say("Hé", "llo")
        stream = await client.chat.completions.create(
            model=MODEL, messages=HI, stream=True, stream_options={"include_usage": usage}
        )
        chunks = [chunk async for chunk in stream]
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert text == "Héllo"
        told = [chunk.usage.completion_tokens for chunk in chunks if chunk.usage]
        assert told == ([2] if usage else [])


async def test_the_synchronous_client(api: Api) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    api.gateway.engine.say("a", "b")

    def use() -> tuple[str | None, str, list[str]]:
        with openai.OpenAI(
            base_url=f"{api.gateway.url}/v1", api_key=api.key, max_retries=0, timeout=20
        ) as client:
            whole = client.chat.completions.create(model=MODEL, messages=HI)
            stream = client.chat.completions.create(model=MODEL, messages=HI, stream=True)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
            names = [model.id for model in client.models.list()]
            return whole.choices[0].message.content, text, names

    whole, text, names = await asyncio.to_thread(use)
    assert (whole, text) == ("Héllo 🦦", "ab")
    assert MODEL in names


async def test_the_models(client: openai.AsyncOpenAI) -> None:
    listed = [model async for model in client.models.list()]
    assert [model.id for model in listed] == [MODEL]
    one = await client.models.retrieve(MODEL)
    assert (one.id, one.object, one.owned_by) == (MODEL, "model", "headrace")
    assert one.created > 1_700_000_000
    with pytest.raises(openai.NotFoundError) as missing:
        await client.models.retrieve("org/nobody")
    assert missing.value.code == "model_not_found"


async def test_errors_come_as_the_clients_own_types(api: Api, client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        await client.chat.completions.create(model=MODEL, messages=[], n=99)
    assert (bad.value.status_code, bad.value.param, bad.value.type) == (400, "n", "invalid_request_error")
    with pytest.raises(openai.NotFoundError) as missing:
        await client.chat.completions.create(model="nobody", messages=HI)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError) as nobody:
        await client.with_options(api_key="hr-wrong").chat.completions.create(model=MODEL, messages=HI)
    assert nobody.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model=MODEL, input="x")
    api.gateway.engine.refuse(503, b"")
    with pytest.raises(openai.InternalServerError) as away:
        await client.chat.completions.create(model=MODEL, messages=HI)
    assert away.value.status_code == 503
    assert away.value.response.headers["retry-after"]


async def test_an_error_in_mid_stream_is_raised_and_not_a_short_answer(
    api: Api, client: openai.AsyncOpenAI
) -> None:
    api.gateway.engine.stream(b'data: {"choices":[{"delta":{"content":"half"}}]}\n\n')
    stream = await client.chat.completions.create(model=MODEL, messages=HI, stream=True)
    with pytest.raises(openai.APIError, match="middle of its answer"):
        async for _ in stream:
            pass


async def test_a_limit_is_a_rate_limit_error_and_the_client_comes_back(
    settings: Settings, gateway: Gateway
) -> None:
    async with listening(settings, requests_per_minute=3) as strict:
        await until(lambda: any(route.target for route in strict.house.routes.routes()))
        someone = await strict.person()
        async with openai.AsyncOpenAI(
            base_url=f"{strict.url}/v1", api_key=someone.token, max_retries=0, timeout=20
        ) as client:
            strict.engine.refuse(200, ANSWER)
            raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=HI)
            assert raw.headers["x-ratelimit-limit-requests"] == "3"
            with pytest.raises(openai.RateLimitError) as limited:
                for _ in range(4):
                    strict.engine.refuse(200, ANSWER)
                    await client.chat.completions.create(model=MODEL, messages=HI)
        await someone.close()
    assert limited.value.code == "rate_limit_exceeded"


async def test_an_engine_that_is_away_for_a_moment_is_asked_again_by_the_client(
    api: Api, client: openai.AsyncOpenAI
) -> None:
    api.gateway.engine.refuse(503, b"", {"retry-after": "0"})
    api.gateway.engine.refuse(200, ANSWER)
    patient = client.with_options(max_retries=2)
    answer = await patient.chat.completions.create(model=MODEL, messages=HI)
    assert answer.choices[0].finish_reason == "stop"
    assert len(api.gateway.engine.asked()) == 2
