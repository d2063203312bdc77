"""A rolling restart: every gateway is told to end, one after the other, under requests and streams."""

import asyncio
import signal
import time
from collections import Counter

import aiohttp
import pytest

from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.gateway.client import MODEL

pytestmark = [pytest.mark.stack, pytest.mark.drill]

CALLERS = 8
STREAMS = 10


async def test_a_rolling_restart_resets_nobody(instance: Instance, note: Note, long: bool) -> None:
    most = 1000 if long else 200
    await instance.all_ready()
    person = await person_at(instance.url)
    words = " ".join(f"w{number}" for number in range(120))
    answers: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    histories = [Told() for _ in range(STREAMS)]
    restarted = asyncio.Event()

    async def call() -> None:
        """One request after the other over a connection that is kept, until all gateways were restarted."""
        async with aiohttp.ClientSession(instance.url) as client:
            while not restarted.is_set() or answers.total() < most:
                try:
                    async with client.get("/healthz") as response:
                        await response.read()
                    answers[str(response.status)] += 1
                except aiohttp.ClientError as error:
                    answers[repr(error)] += 1
                await asyncio.sleep(0.05)

    async def turn(told: Told) -> None:
        conversation = await person.conversation()
        body = {"content": f"[[slow]] [[echo]]{words}", "model": MODEL}
        await follow(person, await begin(person, conversation, body, f"rolling-{conversation}", told), told)

    async def relay() -> None:
        """Streams over the API: each is whole, or ends with a word about why not."""
        headers = {"Authorization": f"Bearer {instance.stack.key}"}
        body = {
            "model": MODEL,
            "stream": True,
            "messages": [{"role": "user", "content": "[[slow]] [[echo]]" + " ".join(["w"] * 15)}],
        }
        async with aiohttp.ClientSession(instance.url, headers=headers) as client:
            while not restarted.is_set():
                try:
                    async with client.post("/v1/chat/completions", json=body) as response:
                        whole = await response.read()
                except aiohttp.ClientError as error:
                    ends[repr(error)] += 1
                    continue
                if whole.endswith(b"data: [DONE]\n\n"):
                    ends["whole"] += 1
                elif b'"error"' in whole:
                    ends["told"] += 1
                else:
                    ends["cut in silence"] += 1

    try:
        running = [
            asyncio.create_task(work) for work in (*(call() for _ in range(CALLERS)), relay(), relay())
        ]
        turns = [asyncio.create_task(turn(told)) for told in histories]
        noticed = []
        for name, pid in sorted(instance.living().items()):
            await asyncio.sleep(1)
            began = time.monotonic()
            instance.kill(pid, signal.SIGTERM)
            await _says_503(instance.metrics_port(name))
            noticed.append(time.monotonic() - began)
            await _restarted(instance, name, pid)
        restarted.set()
        await asyncio.gather(*running, *turns)
        note(f"{answers.total()} requests: {dict(answers)}; streams of the API: {dict(ends)}")
        note(f"readyz said 503 after {', '.join(f'{seconds:.2f}' for seconds in noticed)} s")
        assert set(answers) == {"200"}
        assert set(ends) <= {"whole", "told"}
        assert ends["whole"] > 0
        assert {told.kinds[-1] for told in histories} == {"turn.completed"}
        assert {told.text for told in histories} == {words}
        assert sum(told.broken for told in histories) == 0, "a stream was cut, where it should have ended"
    finally:
        await person.close()


async def _says_503(port: int) -> None:
    """The internal listener says at once that the process leaves. It is asked until it is gone."""
    async with asyncio.timeout(5), aiohttp.ClientSession() as client:
        while True:
            async with client.get(f"http://127.0.0.1:{port}/readyz") as response:
                if response.status == 503 and (await response.json())["status"] == "draining":
                    return
            await asyncio.sleep(0.02)


async def _restarted(instance: Instance, name: str, pid: int) -> None:
    async with asyncio.timeout(120):
        while name not in instance.ready() or instance.living()[name] == pid:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
