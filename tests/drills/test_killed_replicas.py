"""Replicas that die one after the other: requests find another, and what was begun ends with a word."""

import asyncio
import random
import secrets
import time
from collections import Counter

import aiohttp
import psutil
import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.drills.operator import can_be_asked, operating
from tests.gateway.client import Person

# The long form takes minutes.
pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(1800)]

REPLICAS = 3
CALLERS = 12
TURNS = 6
KILL_EVERY_SECONDS = 5.0
WORDS = " ".join(f"w{number}" for number in range(30))


class Callers:
    """Requests over the API, one after the other in each caller, and turns beside them.

    Attributes:
        begun: requests that had a first token, or a whole answer.
        refused: what the others were told.
        ends: how those that had begun ended.
    """

    def __init__(self, instance: Instance, person: Person, model: str) -> None:
        self._instance, self._person, self._model = instance, person, model
        self._over = asyncio.Event()
        self.begun = 0
        self.refused: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.turns: Counter[str] = Counter()

    def start(self) -> None:
        self._tasks = [
            *(asyncio.create_task(self._call(stream=number % 3 > 0)) for number in range(CALLERS)),
            *(asyncio.create_task(self._turn()) for _ in range(TURNS)),
        ]

    async def finish(self) -> None:
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def _call(self, *, stream: bool) -> None:
        headers = {"Authorization": f"Bearer {self._instance.stack.key}"}
        body = {
            "model": self._model,
            "stream": stream,
            "messages": [{"role": "user", "content": f"[[echo]]{WORDS}"}],
        }
        async with aiohttp.ClientSession(self._instance.url, headers=headers) as client:
            while not self._over.is_set():
                try:
                    async with client.post("/v1/chat/completions", json=body) as response:
                        if response.status != 200:
                            self.refused[f"{response.status} {(await response.text())[:120]}"] += 1
                            continue
                        whole = await response.read()
                except aiohttp.ClientError as error:
                    self.refused[repr(error)] += 1
                    continue
                self.begun += 1
                if not stream or whole.endswith(b"data: [DONE]\n\n"):
                    self.ends["whole"] += 1
                elif b'data: {"error"' in whole:
                    self.ends["told"] += 1
                else:
                    self.ends["cut in silence"] += 1

    async def _turn(self) -> None:
        while not self._over.is_set():
            conversation = await self._person.conversation(title="Under fire")
            told = Told()
            body = {"content": f"[[echo]]{WORDS}", "model": self._model}
            turn = await begin(self._person, conversation, body, f"fire-{conversation}", told)
            await follow(self._person, turn, told)
            self.turns["whole" if told.text == WORDS else f"{told.kinds[-1]} {told.text!r}"] += 1


async def test_requests_find_another_replica_before_their_first_token(
    instance: Instance, database: Postgres, note: Note, long: bool
) -> None:
    kills = 12 if long else 3
    await instance.all_ready()
    model = f"shot-{secrets.token_hex(2)}"
    person = await person_at(instance.url)
    try:
        async with operating(instance, database, model) as operator:
            await operator.add(
                "r0",
                replicas={"min": REPLICAS, "max": REPLICAS},
                simulated={"ttft_ms": 20, "token_ms": 40},
            )
            await operator.deploy("r0", replicas=REPLICAS)
            await can_be_asked(person, model)
            callers = Callers(instance, person, model)
            callers.start()
            for _ in range(kills):
                await asyncio.sleep(KILL_EVERY_SECONDS)
                await asyncio.to_thread(_kill_one, instance, f"{model}--r0")
            await asyncio.sleep(KILL_EVERY_SECONDS)
            await callers.finish()
            asked = callers.begun + callers.refused.total()
            note(
                f"{kills} kills under {asked} requests: {callers.begun / asked:.2%} had a first token; "
                f"of those {dict(callers.ends)}"
            )
            if callers.refused:
                note(f"the others were told: {dict(callers.refused)}")
            note(f"{callers.turns.total()} turns beside them: {dict(callers.turns)}")
            assert callers.begun >= 0.999 * asked
            assert set(callers.ends) <= {"whole", "told"}
            assert set(callers.turns) == {"whole"}
    finally:
        await person.close()


def _kill_one(instance: Instance, application: str) -> None:
    """One of its replicas, by chance; waits for one while all are on their way."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = []
        for process in instance.stack.processes():
            try:
                if f"ServeReplica:{application}" in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        if found:
            random.choice(found).kill()
            return
        time.sleep(0.2)
    raise AssertionError(f"no replica of {application} lives")
