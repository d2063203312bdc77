"""What every engine behind the guard does, so that the gateway does not have to know which one it is.

It runs on the simulated engine, in a process of its own, and on vLLM when HEADRACE_TEST_VLLM_URL (the
address of a revision, `.../m/<model>/<revision>`) and HEADRACE_TEST_INTERNAL_TOKEN name a running one.
"""

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest

from core.engine_fields import RESUMED_TOKENS

ROOT = Path(__file__).parents[2]
VLLM_URL = os.environ.get("HEADRACE_TEST_VLLM_URL", "").rstrip("/")
# Without the address those tests do not exist: a test that was skipped would look as if it could have passed.
ENGINES = ["simulated", *([pytest.param("vllm", marks=pytest.mark.vllm)] if VLLM_URL else [])]
TOWN = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Z][a-z]{2,11}$"},
        "river": {"type": "boolean"},
        "people": {"type": "integer", "minimum": 0, "maximum": 99999},
    },
    "required": ["name", "river", "people"],
    "additionalProperties": False,
}
TOWNS_SCHEMA = {
    "type": "object",
    "properties": {"towns": {"type": "array", "minItems": 2, "maxItems": 2, "items": TOWN}},
    "required": ["towns"],
    "additionalProperties": False,
}
TOWNS = {"type": "json_schema", "json_schema": {"name": "towns", "schema": TOWNS_SCHEMA}}


@dataclass(frozen=True)
class Engine:
    """Where an engine is and what it is called."""

    url: str
    token: str
    model: str


@pytest.fixture(scope="module")
def simulated() -> Iterator[Engine]:
    token = secrets.token_hex(32)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "serve.simulated",
            "--port",
            str(port),
            "--token-ms",
            "2",
            "--context-window",
            "2048",
        ],
        cwd=ROOT,
        env={**os.environ, "HEADRACE_INTERNAL_TOKEN": token},
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None, "the simulated engine ended"
            assert time.monotonic() < deadline, "the simulated engine did not come up"
            time.sleep(0.05)
    yield Engine(f"http://127.0.0.1:{port}/m/simulated/r1", token, "simulated")
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "simulated":
        found: Engine = request.getfixturevalue("simulated")
        return found
    return Engine(VLLM_URL, os.environ["HEADRACE_TEST_INTERNAL_TOKEN"], VLLM_URL.split("/")[-2])


@dataclass
class Answer:
    """An engine's whole answer."""

    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)

    def events(self) -> list[Any]:
        frames = [frame for frame in self.text.split("\n\n") if frame]
        assert all(frame.startswith("data: ") for frame in frames)
        assert frames[-1] == "data: [DONE]"
        return [json.loads(frame.removeprefix("data: ")) for frame in frames[:-1]]


class Client:
    """Speaks to one engine."""

    def __init__(self, session: aiohttp.ClientSession, engine: Engine) -> None:
        self.session, self.engine = session, engine

    async def ask(self, path: str, body: Any, *, token: str | None = None, method: str = "POST") -> Answer:
        bearer = self.engine.token if token is None else token
        headers = {
            "authorization": f"Bearer {bearer}",
            "x-request-id": "contract-1",
            "content-type": "application/json",
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.request(
            method, self.engine.url + path, data=data, headers=headers
        ) as response:
            lowered = {name.lower(): value for name, value in response.headers.items()}
            assert len(response.headers.getall("x-request-id")) == 1
            return Answer(response.status, lowered, await response.text())

    async def chat(self, content: str = "Say hello", **more: Any) -> Answer:
        body = {
            "model": self.engine.model,
            "messages": [{"role": "user", "content": content}],
            "temperature": 0,
        }
        return await self.ask("/v1/chat/completions", {**body, **more})

    async def complete(self, prompt: Any, **more: Any) -> Answer:
        body = {"model": self.engine.model, "prompt": prompt, "temperature": 0, **more}
        return await self.ask("/v1/completions", body)


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        yield Client(session, engine)


def text_of(events: list[Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


async def test_answers_carry_the_replica_and_the_request_id(client: Client) -> None:
    answer = await client.chat(max_tokens=3)
    assert answer.status == 200
    assert answer.headers["x-headrace-replica"]
    assert answer.headers["x-request-id"] == "contract-1"


async def test_a_whole_answer_has_text_reason_and_usage(client: Client) -> None:
    body = (await client.chat(max_tokens=5)).json()
    (choice,) = body["choices"]
    assert (body["object"], body["model"]) == ("chat.completion", client.engine.model)
    assert body["id"].startswith("chatcmpl-")
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] in ("stop", "length")
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 1 <= usage["completion_tokens"] <= 5


async def test_a_stream_says_the_same_as_the_whole_answer(client: Client) -> None:
    whole = (await client.chat(max_tokens=12)).json()
    streamed = await client.chat(max_tokens=12, stream=True, stream_options={"include_usage": True})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    events = streamed.events()
    assert text_of(events) == whole["choices"][0]["message"]["content"]
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in events}) == 1
    reasons = [
        choice["finish_reason"] for event in events for choice in event["choices"] if choice["finish_reason"]
    ]
    assert reasons == [whole["choices"][0]["finish_reason"]]
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]


async def test_usage_comes_only_when_asked_for(client: Client) -> None:
    events = (await client.chat(max_tokens=3, stream=True)).events()
    assert all(event["choices"] for event in events)
    assert all(not event.get("usage") for event in events)


async def test_the_limit_is_kept_and_told(client: Client) -> None:
    body = (await client.chat(max_tokens=4, ignore_eos=True)).json()
    assert body["usage"]["completion_tokens"] == 4
    assert body["choices"][0]["finish_reason"] == "length"
    newer = (await client.chat(max_completion_tokens=4, ignore_eos=True)).json()
    assert newer["usage"]["completion_tokens"] == 4


async def test_a_stop_word_ends_the_answer_before_it(client: Client) -> None:
    free = (await client.complete("One two three", max_tokens=20, ignore_eos=True)).json()["choices"][0][
        "text"
    ]
    word = free.split()[3]
    cut = (await client.complete("One two three", max_tokens=20, ignore_eos=True, stop=[word])).json()[
        "choices"
    ][0]
    assert cut["text"] == free[: free.index(word)]
    assert cut["finish_reason"] == "stop"


async def test_several_answers_come_under_their_numbers(client: Client) -> None:
    body = (await client.chat(max_tokens=3, n=2, temperature=0.5, seed=1)).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    events = (await client.chat(max_tokens=3, n=2, temperature=0.5, seed=1, stream=True)).events()
    assert {choice["index"] for event in events for choice in event["choices"]} == {0, 1}


async def test_probabilities_come_with_their_tokens(client: Client) -> None:
    body = (await client.chat(max_tokens=2, logprobs=True, top_logprobs=1, ignore_eos=True)).json()
    content = body["choices"][0]["logprobs"]["content"]
    assert len(content) == 2
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) == 1 for entry in content)


async def test_an_answer_continues_from_its_ids(client: Client) -> None:
    first = await client.chat("Count", max_tokens=6, ignore_eos=True, stream=True, return_token_ids=True)
    events = first.events()
    prompt = next(event["prompt_token_ids"] for event in events if event.get("prompt_token_ids"))
    ids = [
        number for event in events for choice in event["choices"] for number in choice.get("token_ids") or []
    ]
    assert len(ids) == 6
    more = await client.complete([*prompt, *ids], max_tokens=4, ignore_eos=True, return_token_ids=True)
    assert more.status == 200
    assert more.json()["usage"]["prompt_tokens"] == len(prompt) + 6
    assert len(more.json()["choices"][0]["token_ids"]) == 4


async def test_running_counts_come_with_each_piece_when_asked_for(client: Client) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    events = (await client.chat(max_tokens=5, ignore_eos=True, stream=True, stream_options=options)).events()
    counts = [event["usage"]["completion_tokens"] for event in events if event.get("usage")]
    assert counts == sorted(counts)
    assert counts[-1] == 5


async def test_tokens_are_counted_as_they_will_be_charged(client: Client) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Wörter und words " * 20},
    ]
    counted = (await client.ask("/tokenize", {"model": client.engine.model, "messages": messages})).json()
    answer = await client.ask(
        "/v1/chat/completions", {"model": client.engine.model, "messages": messages, "max_tokens": 1}
    )
    assert counted["count"] == answer.json()["usage"]["prompt_tokens"] == len(counted["tokens"])
    assert counted["max_model_len"] == 2048
    prompt = (await client.ask("/tokenize", {"model": client.engine.model, "prompt": "some words"})).json()
    assert prompt["count"] >= 1


async def test_text_parts_are_read_like_text(client: Client) -> None:
    parts = [{"type": "text", "text": "Say hello"}]
    body = {"model": client.engine.model, "messages": [{"role": "user", "content": parts}], "max_tokens": 2}
    answer = await client.ask("/v1/chat/completions", body)
    assert answer.status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"messages": "hello"},
        {"messages": [{"content": "no role"}]},
        {"max_tokens": -1},
        {"temperature": "hot"},
        {"n": "many"},
        {"stream": "perhaps"},
        {"max_tokens": 5000},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_bad_body_is_a_400_in_openais_shape(client: Client, change: dict[str, Any]) -> None:
    answer = await client.chat(**change)
    assert answer.status == 400
    assert set(answer.json()["error"]) >= {"message", "type", "param", "code"}
    assert answer.json()["error"]["message"]


async def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    assert (await client.ask("/v1/chat/completions", b"{not json")).status in (400, 422)


async def test_a_prompt_beyond_the_window_is_a_400_before_anything_is_made(client: Client) -> None:
    answer = await client.chat("word " * 3000, max_tokens=5)
    assert answer.status == 400
    assert "2048" in answer.json()["error"]["message"]


async def test_an_unknown_model_is_a_404(client: Client) -> None:
    answer = await client.ask(
        "/v1/chat/completions", {"model": "nobody", "messages": [{"role": "user", "content": "x"}]}
    )
    assert answer.status == 404
    assert "nobody" in answer.json()["error"]["message"]


async def test_ready_made_embeddings_of_a_prompt_are_refused(client: Client) -> None:
    body = {"model": client.engine.model, "prompt": None, "prompt_embeds": "AAAA", "max_tokens": 1}
    assert (await client.ask("/v1/completions", body)).status == 400


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_without_the_token_nothing_is_answered(client: Client, token: str) -> None:
    answer = await client.ask("/v1/chat/completions", {}, token=token)
    assert answer.status == 401
    assert answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/metrics"),
        ("GET", "/version"),
        ("POST", "/pause"),
        ("POST", "/update_weights"),
        ("POST", "/invocations"),
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/v1/responses"),
    ],
)
async def test_an_engines_other_routes_are_not_there(client: Client, method: str, path: str) -> None:
    assert (await client.ask(path, {}, method=method)).status == 404


async def test_it_says_that_it_is_well(client: Client) -> None:
    assert (await client.ask("/health", b"", method="GET")).status == 200


async def test_json_is_written_or_refused_and_never_promised_in_vain(client: Client) -> None:
    answer = await client.chat("Name a town.", response_format=TOWNS, max_tokens=400)
    if client.engine.model == "simulated":
        assert answer.status == 400
        assert answer.json()["error"]["param"] == "response_format"
    else:
        jsonschema.validate(json.loads(answer.json()["choices"][0]["message"]["content"]), TOWNS_SCHEMA)


async def test_json_that_broke_off_anywhere_goes_on_from_its_tokens(client: Client) -> None:
    """As the gateway asks for it: with the tokens so far, and how many those are."""
    asked = {"response_format": TOWNS, "return_token_ids": True, "max_tokens": 400}
    answer = await client.chat("Name two towns.", stream=True, **asked)
    if client.engine.model == "simulated":
        assert answer.status == 400
        return
    prompt: list[int] = []
    written: list[tuple[str, list[int]]] = []
    for event in answer.events():
        prompt = prompt or event.get("prompt_token_ids") or []
        for choice in event["choices"]:
            if choice["delta"].get("content"):
                written.append((choice["delta"]["content"], choice["token_ids"]))
    assert prompt
    assert len(written) > 20
    jsonschema.validate(json.loads("".join(text for text, _ in written)), TOWNS_SCHEMA)
    for cut in (1, len(written) // 3, len(written) // 2, len(written) - 1, len(written)):
        tokens = [token for _, ids in written[:cut] for token in ids]
        resumed = await client.complete([*prompt, *tokens], **asked, vllm_xargs={RESUMED_TOKENS: len(tokens)})
        assert resumed.status == 200, resumed.text
        whole = "".join(text for text, _ in written[:cut]) + resumed.json()["choices"][0]["text"]
        jsonschema.validate(json.loads(whole), TOWNS_SCHEMA)


async def test_tokens_that_the_format_forbids_are_not_gone_on_from(client: Client) -> None:
    if client.engine.model == "simulated":
        refused = await client.complete([5, 6, 7], response_format=TOWNS)
        assert refused.status == 400
        return
    xargs = {RESUMED_TOKENS: 3}
    refused = await client.complete([5, 6, 7], response_format=TOWNS, vllm_xargs=xargs, max_tokens=40)
    assert refused.status >= 400
    assert (await client.chat(max_tokens=4)).status == 200, "the engine did not survive it"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_caller_who_leaves_frees_the_engine(client: Client, stream: bool) -> None:
    """Sixteen long answers are left; were they still made, the short one after them would have to wait."""
    body = {
        "model": client.engine.model,
        "messages": [{"role": "user", "content": "[[slow]][[long]] Tell a long story"}],
        "stream": stream,
        "ignore_eos": True,
        "max_tokens": 1500,
    }
    headers = {"authorization": f"Bearer {client.engine.token}"}

    async def ask() -> None:
        async with client.session.post(
            f"{client.engine.url}/v1/chat/completions", json=body, headers=headers
        ) as response:
            await response.content.readany()
            await asyncio.sleep(60)

    asked = [asyncio.create_task(ask()) for _ in range(16)]
    await asyncio.sleep(1.5)
    for task in asked:
        task.cancel()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    async with asyncio.timeout(60):
        answer = await client.chat(max_tokens=3)
    assert answer.status == 200
    if client.engine.model == "simulated":
        stats = (await client.ask("/stats", b"", method="GET")).json()
        assert stats["running"] == 0
        assert stats["cancelled"] >= 16


async def test_an_engine_that_breaks_says_so_inside_the_stream(simulated: Engine) -> None:
    async with aiohttp.ClientSession() as session:
        client = Client(session, simulated)
        answer = await client.chat("[[fail]]", stream=True)
        last = json.loads(answer.text.rstrip().rsplit("data: ", 1)[1])
        assert (answer.status, last["error"]["code"]) == (200, "engine_failed")
        assert (await client.chat("[[fail]]")).status == 500


async def test_what_was_counted_is_what_was_sent(simulated: Engine) -> None:
    async with aiohttp.ClientSession() as session:
        client = Client(session, simulated)
        before = (await client.ask("/stats", b"", method="GET")).json()
        answers = await asyncio.gather(*(client.chat(f"Question {number}") for number in range(20)))
        after = (await client.ask("/stats", b"", method="GET")).json()
        for kind in ("prompt_tokens", "completion_tokens"):
            assert after[kind] - before[kind] == sum(answer.json()["usage"][kind] for answer in answers)
