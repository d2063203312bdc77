"""Requests over the API and turns beside them, one after the other in each caller, until told to stop."""

import asyncio
from collections import Counter

import aiohttp

from tests.drills.follower import Told, begin, follow
from tests.drills.instance import Instance
from tests.gateway.client import Person

CALLERS = 12
TURNS = 6
# Who is refused comes back soon, but is not the load himself.
PAUSE_SECONDS = 0.2
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
                            await asyncio.sleep(PAUSE_SECONDS)
                            continue
                        whole = await response.read()
                except aiohttp.ClientError as error:
                    self.refused[repr(error)] += 1
                    await asyncio.sleep(PAUSE_SECONDS)
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
