"""Replicas follow the tokens that are asked for, where the number of requests would want no more of them."""

import asyncio
import secrets
import time

import aiohttp
import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.instance import Instance
from tests.drills.operator import Operator, can_be_asked, operating

pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(300)]

CALLERS = 4
MOST_TOKENS = 1_000
SECONDS = 90.0


async def until(operator: Operator, replicas: int) -> float:
    """Seconds until so many are ready, and no more."""
    began = time.monotonic()
    async with asyncio.timeout(SECONDS):
        while (await operator.revision("r1"))["replicas"] != replicas:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.3)
    return time.monotonic() - began


async def ask(client: aiohttp.ClientSession, model: str) -> None:
    body = {
        "model": model,
        "max_tokens": MOST_TOKENS,
        "messages": [{"role": "user", "content": "[[long]]"}],
    }
    async with client.post("/v1/chat/completions", json=body) as response:
        assert response.status == 200, await response.text()
        await response.read()


async def test_replicas_follow_the_backlog(instance: Instance, database: Postgres, note: Note) -> None:
    await instance.all_ready()
    model = f"backlog-{secrets.token_hex(2)}"
    headers = {"Authorization": f"Bearer {instance.stack.key}"}
    async with (
        operating(instance, database, model) as operator,
        aiohttp.ClientSession(instance.url, headers=headers) as client,
    ):
        await operator.add(
            "r1",
            replicas={
                "min": 1,
                "max": 2,
                # Never reached: these callers are few, and ask for much.
                "target_ongoing_requests": CALLERS * 4,
                "target_backlog_tokens": MOST_TOKENS * CALLERS // 2,
                "upscale_delay_s": 0,
                "downscale_delay_s": 0,
            },
            simulated={"ttft_ms": 0, "token_ms": 200, "seats": 8},
        )
        await operator.deploy("r1")
        await can_be_asked(operator.person, model)
        asking = [asyncio.create_task(ask(client, model)) for _ in range(CALLERS)]
        try:
            more = await until(operator, 2)
            early = [task for task in asking if task.done()]
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        assert not early, "all of them were still asking"
        fewer = await until(operator, 1)
        note(
            f"{CALLERS} callers who ask for {MOST_TOKENS} tokens each: a second replica after {more:.0f} s, "
            f"gone {fewer:.0f} s after they had left"
        )
