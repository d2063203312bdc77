"""The route to somebody else's service, against one that misbehaves in every way."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from models.spec import ModelSpec, Upstream
from serve.openai_route import UpstreamRoute
from serve.upstream_errors import retry_after
from tests.serve.asgi import Answered, call

KEY = "sk-canary-0123456789"
CHAT = "/v1/chat/completions"
BODY = {"model": "openai", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = b'data: {"choices":[{"delta":{"content":"Hi"}}],  "odd" : "spacing"}\n\ndata: [DONE]\n\n'
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """A service that does what it is told, and remembers how it was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.left = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.times.append(time.monotonic())
        self.bodies.append(await request.json())
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        try:
            return await self.handler(request)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise


@asynccontextmanager
async def serving(handler: Handler, **settings: Any) -> AsyncIterator[tuple[UpstreamRoute, Service]]:
    """A route to a service with this handler, on a port of its own."""
    service = Service(handler)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/{path:.*}", service.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    upstream = Upstream(model="their-model", base_url=f"http://127.0.0.1:{port}/v1", **settings)
    route = UpstreamRoute(
        name="openai", window=1000, upstream=upstream, base_url=upstream.base_url, keys=[KEY]
    )
    try:
        yield route, service
    finally:
        await route.client.close()
        await runner.cleanup()


def saying(status: int, body: bytes = b'{"ok":true}', **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"content-type": "application/json", **headers})

    return handler


def in_turn(*handlers: Handler) -> Handler:
    left = list(handlers)

    async def handler(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return handler


async def streaming(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"content-type": "text/event-stream", "set-cookie": "a=b", "x-their": "1"}
    )
    await response.prepare(request)
    for start in range(0, len(STREAM), 7):
        await response.write(STREAM[start : start + 7])
    return response


async def test_bytes_come_back_as_they_were_and_the_name_and_key_are_exchanged() -> None:
    async with serving(streaming) as (route, service):
        answered = await call(
            route, "POST", CHAT, {**BODY, "stream": True}, headers={"authorization": "Bearer ours"}
        )
        assert (answered.status, answered.body, answered.finished) == (200, STREAM, True)
        assert answered.header("content-type") == "text/event-stream"
        assert answered.header("set-cookie") is None
        assert answered.header("x-their") is None
        assert service.bodies[0]["model"] == "their-model"
        assert service.bodies[0]["messages"] == BODY["messages"]
        assert service.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_without_a_key_it_says_what_to_set_and_asks_nobody() -> None:
    async with serving(saying(200)) as (route, service):
        route.client.keys = ()
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.json()["error"]["code"]) == (503, "model_not_configured")
        assert "OPENAI_API_KEY" in answered.json()["error"]["message"]
        assert service.bodies == []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_our_trouble_and_is_never_shown(status: int) -> None:
    body = b'{"error":{"message":"Incorrect API key provided: %b"}}' % KEY.encode()
    async with serving(saying(status, body)) as (route, _):
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.json()["error"]["code"]) == (503, "model_not_configured")
        assert KEY.encode() not in answered.body


async def test_a_limit_is_waited_out_as_long_as_it_asks() -> None:
    handler = in_turn(saying(429, **{"retry-after": "1"}), saying(200))
    async with serving(handler) as (route, service):
        answered = await call(route, "POST", CHAT, BODY)
        assert answered.status == 200
        assert len(service.times) == 2
        assert service.times[1] - service.times[0] >= 0.95


async def test_a_storm_of_limits_ends_after_the_tries_and_tells_when_to_come_back() -> None:
    async with serving(saying(429, **{"retry-after": "0"}), max_retries=3) as (route, service):
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.json()["error"]["type"]) == (429, "rate_limit_error")
        assert answered.header("retry-after") == "1"
        assert len(service.bodies) == 4


async def test_a_pause_beyond_the_bound_is_passed_on_instead_of_waited_for() -> None:
    async with serving(saying(429, **{"retry-after": "3600"})) as (route, service):
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.header("retry-after")) == (429, "3600")
        assert len(service.bodies) == 1


async def test_no_retry_outlives_the_deadline() -> None:
    async with serving(saying(503), timeout_s=0.2, max_retries=10) as (route, service):
        answered = await call(route, "POST", CHAT, BODY)
        assert answered.status == 503
        assert len(service.bodies) == 1


async def test_a_refused_request_is_explained_in_the_services_words_once() -> None:
    body = b'{"error":{"message":"max_tokens is too large","type":"x"}}'
    async with serving(saying(400, body)) as (route, service):
        answered = await call(route, "POST", CHAT, BODY)
        assert answered.status == 400
        assert answered.json()["error"]["message"] == "max_tokens is too large"
        assert len(service.bodies) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'{"error":"text"}', b""])
async def test_an_error_that_is_no_json_is_still_an_error_of_ours(body: bytes) -> None:
    async with serving(saying(500, body), max_retries=0) as (route, _):
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.json()["error"]["code"]) == (502, "upstream_failed")


async def test_a_service_that_never_answers_costs_the_deadline_and_no_more() -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with serving(never, timeout_s=0.3) as (route, service):
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.json()["error"]["code"]) == (504, "upstream_timeout")
        await asyncio.wait_for(service.left.wait(), 5)


async def test_a_service_that_is_not_there_is_told() -> None:
    async with serving(saying(200), max_retries=1) as (route, _):
        route.client._base_url = "http://127.0.0.1:1/v1"
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.json()["error"]["code"]) == (502, "upstream_unreachable")


async def test_a_stream_cut_in_the_middle_ends_with_an_error_event() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(STREAM[:30])
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(cut) as (route, service):
        answered = await call(route, "POST", CHAT, {**BODY, "stream": True})
        assert answered.body.startswith(STREAM[:30])
        assert answered.finished
        assert b'"code":"upstream_failed"' in answered.parts[-1]
        assert len(service.bodies) == 1, "after the first byte nothing is tried again"


async def test_a_stream_that_ends_without_its_mark_is_no_silent_success() -> None:
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices":[]}\n\n')
        return response

    async with serving(short) as (route, _):
        answered = await call(route, "POST", CHAT, {**BODY, "stream": True})
        assert answered.events()[-1]["error"]["code"] == "upstream_failed"


async def test_a_stream_that_falls_silent_is_ended() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: {}\n\n")
        await asyncio.sleep(60)
        return response

    async with serving(silent, idle_timeout_s=0.2) as (route, service):
        answered = await call(route, "POST", CHAT, {**BODY, "stream": True})
        assert "stopped sending" in answered.events()[-1]["error"]["message"]
        await asyncio.wait_for(service.left.wait(), 5)


async def test_a_caller_who_leaves_ends_the_request_over_there() -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(600):
            await response.write(b"data: {}\n\n")
            await asyncio.sleep(0.05)
        return response

    async with serving(slow) as (route, service):
        leave, answered = asyncio.Event(), Answered()
        request = asyncio.create_task(
            call(route, "POST", CHAT, {**BODY, "stream": True}, leave=leave, answered=answered)
        )
        await asyncio.sleep(0.3)
        leave.set()
        await asyncio.wait_for(request, 5)
        assert answered.parts
        await asyncio.wait_for(service.left.wait(), 5)
        assert route._running == 0


async def test_when_every_place_is_taken_the_next_is_told_to_come_back() -> None:
    release = asyncio.Event()

    async def waiting(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.json_response({})

    async with serving(waiting, max_concurrency=2) as (route, service):
        running = [asyncio.create_task(call(route, "POST", CHAT, BODY)) for _ in range(2)]
        while len(service.bodies) < 2:  # noqa: ASYNC110 - the service is another program as far as we know
            await asyncio.sleep(0.01)
        refused = await call(route, "POST", CHAT, BODY)
        assert (refused.status, refused.json()["error"]["code"]) == (503, "overloaded")
        assert refused.header("retry-after") == "1"
        release.set()
        assert [answered.status for answered in await asyncio.gather(*running)] == [200, 200]
        assert (await call(route, "POST", CHAT, BODY)).status == 200


async def test_a_redirect_is_not_followed_with_our_key() -> None:
    async with serving(saying(307, location="http://127.0.0.1:1/")) as (route, service):
        answered = await call(route, "POST", CHAT, BODY)
        assert answered.status == 502
        assert answered.header("location") is None
        assert len(service.bodies) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_json"),
        (b'{"model":"other"}', 404, "model_not_found"),
    ],
)
async def test_a_bad_body_is_refused_before_anyone_is_asked(body: bytes, status: int, code: str) -> None:
    async with serving(saying(200)) as (route, service):
        answered = await call(route, "POST", CHAT, body)
        assert (answered.status, answered.json()["error"]["code"]) == (status, code)
        assert service.bodies == []


async def test_the_token_estimate_is_never_below_a_count_of_words() -> None:
    async with serving(saying(200)) as (route, _):
        text = "one two three four five " * 50
        counted = (
            await call(route, "POST", "/tokenize", {"messages": [{"role": "user", "content": text}]})
        ).json()
        assert 250 <= counted["count"] <= len(text)
        assert counted["max_model_len"] == 1000
        assert (await call(route, "POST", "/tokenize", {"prompt": "文字" * 10})).json()["count"] >= 20


async def test_health_is_well_and_other_routes_are_not_there() -> None:
    async with serving(saying(200)) as (route, _):
        assert (await call(route, "GET", "/health")).status == 200
        assert (await call(route, "POST", "/v1/files", {})).status == 404


def test_retry_after_reads_seconds_and_dates() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after("2.5") == 2.5
    assert retry_after("-3") == 0
    assert retry_after(format_datetime(now + timedelta(seconds=7), usegmt=True), now) == 7
    assert retry_after(format_datetime(now - timedelta(days=1), usegmt=True), now) == 0
    assert [retry_after(value) for value in (None, "soon", "", "nan", str(math.inf))] == [None] * 5


def test_address_and_key_come_from_the_environment() -> None:
    spec = ModelSpec.model_validate(
        {
            "name": "openai",
            "revision": "r1",
            "title": "O",
            "engine": "openai",
            "context_window": 1000,
            "max_output_tokens": 100,
            "upstream": {"model": "m", "base_url_env": "OPENAI_BASE_URL"},
        }
    )
    route = UpstreamRoute.from_spec(
        spec, {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:5/v1/"}
    )
    assert (route.client._base_url, route.client.keys) == ("http://127.0.0.1:5/v1", (KEY,))
    assert UpstreamRoute.from_spec(spec, {"OPENAI_API_KEY": " a, b,,"}).client.keys == ("a", "b")
    assert UpstreamRoute.from_spec(spec, {"OPENAI_API_KEY": ""}).client.keys == ()
    with pytest.raises(ValueError, match="http"):
        UpstreamRoute.from_spec(spec, {"OPENAI_BASE_URL": "file:///etc/passwd"})


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_the_next_key_is_taken_where_one_is_refused_or_limited(status: int) -> None:
    async with serving(in_turn(saying(status), saying(200))) as (route, service):
        route.client.keys = ("first", "second")
        assert (await call(route, "POST", CHAT, BODY)).status == 200
        assert [asked["authorization"] for asked in service.headers] == ["Bearer first", "Bearer second"]
        # The one that works is kept.
        await call(route, "POST", CHAT, BODY)
        assert service.headers[-1]["authorization"] == "Bearer second"


async def test_when_every_key_is_refused_each_was_tried_once() -> None:
    async with serving(saying(401)) as (route, service):
        route.client.keys = ("a", "b", "c")
        answered = await call(route, "POST", CHAT, BODY)
        assert (answered.status, answered.json()["error"]["code"]) == (503, "model_not_configured")
        assert len(service.bodies) == 3


async def test_a_service_that_fails_and_fails_is_hardly_asked() -> None:
    async with serving(saying(500), max_retries=2) as (route, service):
        answers = [await call(route, "POST", CHAT, BODY) for _ in range(40)]
        assert {answered.status for answered in answers} == {502, 503}
        assert len(service.bodies) <= 1.2 * 40
        left_alone = answers[-1]
        assert (left_alone.status, left_alone.json()["error"]["code"]) == (503, "upstream_failed")
        assert int(left_alone.header("retry-after") or 0) >= 1


async def test_a_service_that_is_back_is_asked_by_one_first_and_then_by_all() -> None:
    async with serving(saying(500), max_retries=0) as (route, service):
        for _ in range(5):
            await call(route, "POST", CHAT, BODY)
        assert not route.client.breaker.closed
        service.handler = saying(200)
        asked = len(service.bodies)
        await asyncio.sleep(1.3)
        answers = await asyncio.gather(*(call(route, "POST", CHAT, BODY) for _ in range(10)))
        assert sorted(answered.status for answered in answers) == [200] + [503] * 9
        assert len(service.bodies) == asked + 1
        answers = await asyncio.gather(*(call(route, "POST", CHAT, BODY) for _ in range(10)))
        assert {answered.status for answered in answers} == {200}


async def test_no_more_requests_are_sent_than_the_spec_allows() -> None:
    async with serving(saying(200), requests_per_minute=20) as (route, service):
        answers = [await call(route, "POST", CHAT, BODY) for _ in range(5)]
        assert [answered.status for answered in answers] == [200, 200, 429, 429, 429]
        assert len(service.bodies) == 2
        assert int(answers[-1].header("retry-after") or 0) in (2, 3)
