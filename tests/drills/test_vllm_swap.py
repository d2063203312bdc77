"""Two revisions of the real engine change places under streams: nothing is refused, nothing is cut."""

import asyncio
import time
from collections import Counter

import aiohttp
import pytest

from core.postgres import Postgres
from models.catalogue import Catalogue
from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.drills.operator import operating

pytestmark = [pytest.mark.vllm, pytest.mark.drill, pytest.mark.timeout(1800)]

MODEL = "smollm2-135m"
TURNS = 3
CALLERS = 3
TOKENS = 48
QUESTION = "Write a long story about a river and the people who live beside it."


async def test_a_swap_of_the_real_engine_cuts_no_stream(
    instance: Instance, database: Postgres, note: Note
) -> None:
    person = await person_at(instance.url)
    over = asyncio.Event()
    ends: Counter[str] = Counter()

    async def turns() -> None:
        while not over.is_set():
            conversation = await person.conversation(title="Swapped")
            told = Told()
            body = {"content": QUESTION, "model": MODEL, "max_tokens": TOKENS}
            await follow(person, await begin(person, conversation, body, f"swap-{conversation}", told), told)
            ends[f"{told.kinds[-1]}{' after a break' if told.broken else ''}"] += 1

    async def relay() -> None:
        headers = {"Authorization": f"Bearer {instance.stack.key}"}
        body = {
            "model": MODEL,
            "stream": True,
            "max_tokens": TOKENS,
            "messages": [{"role": "user", "content": QUESTION}],
        }
        timeout = aiohttp.ClientTimeout(None)
        async with aiohttp.ClientSession(instance.url, headers=headers, timeout=timeout) as client:
            while not over.is_set():
                async with client.post("/v1/chat/completions", json=body) as response:
                    whole = await response.read()
                served = response.headers.get("x-headrace-model", "")
                ends[f"{served} whole" if whole.endswith(b"data: [DONE]\n\n") else f"{whole[-200:]!r}"] += 1

    try:
        async with operating(instance, database, MODEL) as operator:
            spec = Catalogue.load().get(MODEL).model_dump(mode="json")
            spec["engine_args"]["max_num_seqs"] = 8
            revision = f"r{int(time.time())}"
            spec["revision"] = revision
            await operator.call("POST", "/api/admin/models", json={"spec": spec})
            running = [
                *(asyncio.create_task(turns()) for _ in range(TURNS)),
                *(asyncio.create_task(relay()) for _ in range(CALLERS)),
            ]
            began = time.monotonic()
            receipt = await operator.promote(revision)
            took = time.monotonic() - began
            over.set()
            await asyncio.gather(*running)
            note(f"a swap of the real engine took {took:.0f} s under {TURNS + CALLERS} streams: {dict(ends)}")
            finished, drops = receipt["streams_finished_on_old"], receipt["drops"]
            note(f"{finished} answers were finished by the old revision, which lost {drops}")
            assert set(ends) <= {"turn.completed", f"{MODEL}@r1 whole", f"{MODEL}@{revision} whole"}
            assert ends[f"{MODEL}@{revision} whole"] > 0
            assert drops == 0
            differences = await instance.settled_differences(MODEL)
            note(f"ledger less engines: {differences}")
            assert set(differences.values()) <= {0}
    finally:
        over.set()
        await person.close()
