"""Refusals in OpenAI's shape, all of them, before the engine is asked."""

import asyncio

import aiohttp
import orjson
import pytest

from core.settings import Settings
from gateway.routing import table
from gateway.routing.tables import State
from tests.gateway.client import MODEL, Gateway, listening, until
from tests.gateway.openai_api.conftest import Api

MESSAGES = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"not json", None),
        (b'{"model":"simulated","messages":', None),
        (b"[]", None),
        (b"17", None),
        (b"\xff\xfe", None),
        (b"{}", "model"),
        ({"model": MODEL}, "messages"),
        ({"model": MODEL, "messages": []}, "messages"),
        ({"model": MODEL, "messages": "Hi"}, "messages"),
        ({"model": 7, "messages": MESSAGES}, "model"),
        ({"model": MODEL, "messages": MESSAGES, "stream": "yes"}, "stream"),
        ({"model": MODEL, "messages": MESSAGES, "stream_options": []}, "stream_options"),
        ({"model": MODEL, "messages": MESSAGES, "n": 16_384}, "n"),
        ({"model": MODEL, "messages": MESSAGES, "n": 0}, "n"),
        ({"model": MODEL, "messages": MESSAGES, "n": "2"}, "n"),
        ({"model": MODEL, "messages": MESSAGES, "best_of": 17}, "best_of"),
        ({"model": MODEL, "messages": MESSAGES, "priority": 0}, "priority"),
        ({"model": MODEL, "messages": MESSAGES, "max_tokens": 10**9}, "max_tokens"),
        ({"model": MODEL, "messages": MESSAGES, "max_completion_tokens": -1}, "max_completion_tokens"),
        ({"model": MODEL, "messages": MESSAGES, "prompt_embeds": "x"}, "prompt_embeds"),
        ({"model": MODEL, "messages": MESSAGES, "chat_template": "{{x}}"}, "chat_template"),
        ({"model": MODEL, "messages": MESSAGES, "mm_processor_kwargs": {}}, "mm_processor_kwargs"),
        ({"model": MODEL, "messages": MESSAGES, "media_io_kwargs": None}, "media_io_kwargs"),
        ({"model": MODEL, "messages": MESSAGES, "kv_transfer_params": {}}, "kv_transfer_params"),
        ({"model": MODEL, "messages": MESSAGES, "vllm_xargs": {}}, "vllm_xargs"),
    ],
)
async def test_a_request_that_cannot_be_meant_is_refused_naming_the_field(
    api: Api, body: object, param: str | None
) -> None:
    answered = await api.send(body)
    assert answered.status == 400
    assert answered.error["type"] == "invalid_request_error"
    assert answered.error["param"] == param
    assert answered.error["message"]
    assert api.gateway.engine.inference.asked == []


def picture(address: object, key: str = "image_url") -> bytes:
    part = {"type": key, key: address}
    return orjson.dumps({"model": MODEL, "messages": [{"role": "user", "content": [part]}]})


@pytest.mark.parametrize(
    "body",
    [
        picture({"url": "http://169.254.169.254/latest"}),
        picture({"url": "file:///etc/passwd"}),
        picture("https://example.org/x.png"),
        picture({"url": "https://example.org/x.mp4"}, "video_url"),
        picture({"url": "https://example.org/x.mp3"}, "audio_url"),
        picture({"url": 7}),
        picture({}),
        picture({"url": "http://x"}).replace(b"image_url", b"image\\u005furl"),
        picture({"url": "http://x"}).replace(b'"http', b'"\\u0068ttp'),
        picture({"url": "http://x"}).replace(b'"content"', b'"c\\u006fntent"'),
        picture({"url": "http://x"}).replace(b'"content"', b'"content":"plain","content"'),
        picture({"file_id": "f"}, "file"),
    ],
)
async def test_nothing_makes_the_engine_fetch_an_address_or_open_a_file(api: Api, body: bytes) -> None:
    answered = await api.send(body)
    assert (answered.status, answered.error["param"]) == (400, "messages")
    assert api.gateway.engine.inference.asked == []


async def test_a_picture_inside_the_request_passes(api: Api) -> None:
    body = picture({"url": "data:image/png;base64,AAAA"})
    assert (await api.send(body)).status == 200
    assert api.gateway.engine.inference.asked[0][2] == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"simulated","messages":[{"role":"user","content":"\\ud800 file"}]}',
        b'{"model":"simulated","messages":[{"role":"user","content":"\\ud800"}],"stream":true,'
        b'"stream_options":{}}',
        b'{"model":"simulated","messages":' + b"[" * 3_000 + b"]" * 3_000 + b',"file":1}',
        b'{"model":"simulated","messages":[{}],"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b"[" * 200_000,
    ],
)
async def test_json_that_only_some_can_read_is_a_bad_request_and_never_a_crash(api: Api, body: bytes) -> None:
    answered = await api.send(body)
    assert answered.status == 400
    assert answered.error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer hr-nothing", "Basic eDp5", "hr-x", "Bearer a b"]
)
async def test_without_a_valid_key_nothing_is_answered(gateway: Gateway, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    async with aiohttp.ClientSession(gateway.url, headers=headers) as nobody:
        for method, path in [
            ("POST", "/v1/chat/completions"),
            ("POST", "/v1/completions"),
            ("GET", "/v1/models"),
            ("GET", f"/v1/models/{MODEL}"),
        ]:
            async with nobody.request(method, path, data=b"{}") as response:
                error = (await response.json())["error"]
                assert (response.status, error["code"]) == (401, "invalid_api_key"), path
                assert response.headers["www-authenticate"] == "Bearer"
    assert gateway.engine.inference.asked == []


async def test_a_cookie_opens_nothing_here(gateway: Gateway, api: Api) -> None:
    cookies = {"__Host-headrace_access": api.person.token}
    async with (
        aiohttp.ClientSession(gateway.url, cookies=cookies) as browser,
        browser.post("/v1/chat/completions", data=b"{}") as response,
    ):
        assert response.status == 401


async def test_a_revoked_key_is_refused_at_once(api: Api) -> None:
    assert (await api.chat()).status == 200
    _, keys = await api.person.call("GET", "/api/keys")
    await api.person.call("DELETE", f"/api/keys/{keys['items'][0]['id']}")
    assert (await api.chat()).status == 401


async def test_an_unknown_model_is_named_in_the_refusal(api: Api) -> None:
    answered = await api.chat(model="gpt-99")
    assert answered.status == 404
    assert (answered.error["code"], answered.error["param"]) == ("model_not_found", "model")
    assert "gpt-99" in answered.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("PUT", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1", 404),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/v1/chat/completions/", 404),
    ],
)
async def test_a_wrong_address_or_method_is_answered_in_the_same_shape(
    api: Api, method: str, path: str, status: int
) -> None:
    async with api.http.request(method, path) as response:
        assert response.status == status
        assert set((await response.json())["error"]) == {"message", "type", "param", "code"}
        if status == 405:
            assert "allow" in response.headers


async def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(
    settings: Settings, gateway: Gateway
) -> None:
    async with listening(settings, max_body_bytes=20_000) as small:
        someone = await small.person()

        async def pieces():  # type: ignore[no-untyped-def]
            for _ in range(30):
                yield b" " * 1_000
                await asyncio.sleep(0)

        for data in (b"x" * 20_001, pieces()):
            async with someone.http.post("/v1/chat/completions", data=data) as response:
                error = (await response.json())["error"]
                assert (response.status, error["code"]) == (413, "payload_too_large")
                assert "20,000" in error["message"]
        await someone.close()


async def test_too_many_requests_say_when_to_come_back(settings: Settings, gateway: Gateway) -> None:
    async with listening(settings, requests_per_minute=5) as strict:
        await until(lambda: any(route.target for route in strict.house.routes.routes()))
        someone = await strict.person()
        body = {"model": MODEL, "messages": MESSAGES}
        statuses = []
        for _ in range(6):
            async with someone.http.post("/v1/chat/completions", json=body) as response:
                statuses.append(response.status)
                headers, text = response.headers, await response.read()
        await someone.close()
    assert statuses == [200] * 5 + [429]
    error = orjson.loads(text)["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert int(headers["retry-after"]) >= 1
    assert headers.getall("x-ratelimit-limit-requests") == ["5"]
    assert headers.getall("x-ratelimit-remaining-requests") == ["0"]
    assert headers["x-ratelimit-reset-requests"].endswith("s")


async def test_a_model_that_is_not_ready_says_why_and_when_to_come_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it had not just been ready.
    monkeypatch.setattr(table, "LOST_SECONDS", 0.0)
    api.gateway.control.state = "warming"
    await until(lambda: api.gateway.house.routes.routes()[0].row.state is State.WARMING)
    answered = await api.chat()
    api.gateway.control.state = "ready"
    await until(lambda: api.gateway.house.routes.routes()[0].row.state is State.READY)
    assert (answered.status, answered.error["code"]) == (503, "model_not_ready")
    assert "warming" in answered.error["message"]
    assert int(answered.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("said", "body", "headers", "status", "code"),
    [
        (400, b'{"error":{"message":"too long","param":"messages"}}', {}, 400, None),
        (422, b"{}", {}, 400, None),
        (429, b"", {"retry-after": "9"}, 429, "rate_limit_exceeded"),
        (503, b'{"error":{"message":"Set OPENAI_API_KEY."}}', {"retry-after": "3"}, 503, "model_not_ready"),
        (404, b"<html>", {}, 503, "model_not_ready"),
        (502, b"", {}, 503, "model_not_ready"),
        (504, b"", {}, 504, "engine_timeout"),
        (500, b"Traceback: secret", {}, 502, "engine_failed"),
        (401, b'{"error":{"message":"the internal token"}}', {}, 502, "engine_failed"),
        (302, b"", {"location": "http://evil"}, 502, "engine_failed"),
    ],
)
async def test_what_an_engine_refuses_is_told_in_our_words(
    api: Api, said: int, body: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    api.gateway.engine.refuse(said, body, headers)
    answered = await api.chat(stream=True)
    assert (answered.status, answered.error["code"]) == (status, code)
    for inner in ("Traceback", "internal token", "evil", "<html>"):
        assert inner not in answered.body.decode()
    assert "location" not in answered.headers
    if "retry-after" in headers:
        assert answered.headers["retry-after"] == headers["retry-after"]
    if said == 400:
        assert (answered.error["message"], answered.error["param"]) == ("too long", "messages")
