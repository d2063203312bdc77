"""A real model, through the whole stack."""

import asyncio

import httpx
import openai
import pytest

from tests.stack.conftest import Stack, ask

pytestmark = pytest.mark.vllm

MODEL = "smollm2-135m"
# The model is small, and processors compute bfloat16 differently. The words of this answer are likelier than
# all others by far; those about the capital of France are not, and on some processors it is not Paris.
QUESTION = "What is the opposite of hot?"
ANSWER = "cold"


def test_a_turn_in_the_page_is_answered_by_the_real_model(stack: Stack, person: httpx.Client) -> None:
    conversation, text = ask(person, MODEL, QUESTION)
    assert ANSWER in text
    answer = person.get(f"/api/conversations/{conversation}/messages").json()["items"][-1]
    assert answer["content"] == text
    assert answer["prompt_tokens"] > 5
    assert answer["completion_tokens"] > 0


def test_the_openai_package_gets_the_answer_sync_and_async_and_streamed(stack: Stack) -> None:
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.key, max_retries=0) as client:
        whole = client.chat.completions.create(
            model=MODEL, messages=messages, temperature=0, max_completion_tokens=48
        )
        assert ANSWER in (whole.choices[0].message.content or "")

    async def streamed() -> str:
        async with openai.AsyncOpenAI(base_url=f"{stack.url}/v1", api_key=stack.key, max_retries=0) as asked:
            stream = await asked.chat.completions.create(
                model=MODEL, messages=messages, temperature=0, max_completion_tokens=48, stream=True
            )
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    assert ANSWER in asyncio.run(streamed())


def test_a_long_conversation_is_trimmed_and_a_message_over_the_window_is_refused(
    stack: Stack, person: httpx.Client
) -> None:
    conversation, _ = ask(person, MODEL, "Remember this. " + "The river is wide. " * 200)
    ask(person, MODEL, "And this. " + "The mill is old. " * 200, conversation)
    ask(person, MODEL, "What did I say?", conversation)
    answer = person.get(f"/api/conversations/{conversation}/messages").json()["items"][-1]
    assert answer["trimmed_messages"] > 0
    refused = person.post(
        f"/api/conversations/{conversation}/turns", json={"content": "word " * 5000, "model": MODEL}
    )
    assert refused.status_code == 422
    assert refused.json()["code"] == "message_too_long"


def test_the_engine_refuses_what_it_cannot_use_in_openais_shape(stack: Stack) -> None:
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.key, max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            client.completions.create(model=MODEL, prompt="word " * 5000, max_tokens=5)
        assert refused.value.status_code == 400
        assert "context" in str(refused.value)
