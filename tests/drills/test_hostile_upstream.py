"""Somebody else's service that fails in every way: it is not asked again and again, and everybody is told."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.follower import person_at
from tests.drills.instance import Instance
from tests.drills.operator import can_be_asked, operating
from tests.gateway.client import MODEL, text_of

# The long form takes minutes.
pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(1800)]

TIMEOUT_SECONDS = 3.0
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 0,
    "model": "theirs",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


class Hostile:
    """The service. `mode` says how it behaves now, `calls` how often it was asked."""

    def __init__(self) -> None:
        self.mode = "well"
        self.calls = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        body = await request.json()
        if self.mode == "fails":
            return web.Response(status=500, text="no")
        if self.mode == "limits":
            return web.json_response(
                {"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "30"}
            )
        if self.mode == "silent":
            await asyncio.sleep(60)
        if self.mode == "nonsense":
            return web.Response(text="{not json", content_type="application/json")
        if not body.get("stream"):
            return web.json_response(ANSWER)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for word in ("One", " two", " three"):
            choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
            await response.write(b"data: " + orjson.dumps({**ANSWER, "choices": [choice]}) + b"\n\n")
            await asyncio.sleep(0.02)
        if self.mode == "cuts":
            assert request.transport is not None
            request.transport.abort()
            return response
        done = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await response.write(
            b"data: " + orjson.dumps({**ANSWER, "choices": [done]}) + b"\n\ndata: [DONE]\n\n"
        )
        return response


@asynccontextmanager
async def hostile() -> AsyncIterator[tuple[Hostile, str]]:
    """The service, and its address."""
    service = Hostile()
    app = web.Application()
    app.router.add_post("/v1/{path:.*}", service.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield service, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def test_a_hostile_service_is_left_alone_and_everybody_is_told(
    instance: Instance, database: Postgres, note: Note, long: bool
) -> None:
    requests = 400 if long else 100
    await instance.all_ready()
    model = f"hostile-{secrets.token_hex(2)}"
    person = await person_at(instance.url)
    try:
        async with hostile() as (service, address), operating(instance, database, model) as operator:
            await operator.add(
                "r1",
                engine="openai",
                simulated=None,
                upstream={
                    "model": "theirs",
                    "base_url": address,
                    "api_key_env": "DRILL_API_KEY",
                    "timeout_s": TIMEOUT_SECONDS,
                    "idle_timeout_s": TIMEOUT_SECONDS,
                },
            )
            await operator.deploy("r1")
            await can_be_asked(person, model)
            headers = {"Authorization": f"Bearer {instance.stack.key}"}
            async with aiohttp.ClientSession(instance.url, headers=headers) as client:

                async def ask(**more: Any) -> tuple[int, bytes, float, str | None]:
                    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}
                    began = time.monotonic()
                    async with client.post("/v1/chat/completions", json=body) as response:
                        whole = await response.read()
                        stand_in = response.headers.get("x-headrace-fallback-for")
                        return response.status, whole, time.monotonic() - began, stand_in

                async def many(count: int) -> list[tuple[int, bytes, float, str | None]]:
                    found = []
                    for _ in range(count // 4):
                        found += await asyncio.gather(*(ask() for _ in range(4)))
                    return found

                assert (await ask())[0] == 200
                for mode, statuses in (("fails", {502, 503}), ("limits", {429})):
                    service.mode, service.calls = mode, 0
                    answers = await many(requests)
                    told = Counter(status for status, *_ in answers)
                    slowest = max(seconds for *_, seconds, _ in answers)
                    note(
                        f"{mode}: {service.calls} calls for {requests} requests, told {dict(told)}, "
                        f"slowest {slowest:.2f} s"
                    )
                    assert service.calls <= 1.2 * requests
                    assert set(told) <= statuses
                    await _well_again(service, ask)
                service.mode = "silent"
                status, _, seconds, _ = await ask()
                note(f"silent: {status} after {seconds:.1f} s of {TIMEOUT_SECONDS:.0f}")
                assert (status, seconds < TIMEOUT_SECONDS + 2) == (504, True)
                service.mode = "cuts"
                status, whole, _, _ = await ask(stream=True)
                assert status == 200
                assert b"One" in whole
                assert b'"error"' in whole.strip().split(b"\n\n")[-1]
                service.mode = "nonsense"
                events = await person.ask(await person.conversation(title="Hostile"), "Hi", model=model)
                assert events[-1][1] == "turn.failed"
                await _well_again(service, ask)

                # Another model answers in its place, before the first token, and says so.
                fallback = {"fallback": MODEL}
                await operator.call("PUT", f"/api/admin/models/{model}/fallback", json=fallback)
                await asyncio.sleep(2)
                service.mode = "fails"
                answers = await many(20)
                assert {status for status, *_ in answers} == {200}
                assert {stand_in for *_, stand_in in answers} == {model}
                events = await person.ask(
                    await person.conversation(title="Hostile"), "[[echo]]I can", model=model
                )
                assert (text_of(events), events[-2][2]["model"]) == ("I can", MODEL)
                note("while it failed, another model answered 20 of 20 requests and a turn, and was named")
    finally:
        await person.close()


async def _well_again(service: Hostile, ask: Any) -> None:
    """The service works again, and is asked again within its pause."""
    service.mode = "well"
    async with asyncio.timeout(30):
        while True:
            status, *_ = await ask()
            if status == 200:
                return
            await asyncio.sleep(0.2)
