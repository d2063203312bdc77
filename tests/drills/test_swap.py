"""Models change under streams: nothing is refused, nothing is cut, and every change has its receipt."""

import asyncio
import secrets
import time
from collections import Counter

import aiohttp
import orjson
import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.drills.operator import can_be_asked, operating
from tests.gateway.client import Person

# The long form takes minutes.
pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(1800)]

STREAMS = 50
WORDS = 60
# Longer than HAProxy's old processes live by default after a change of the applications.
LONG_STREAM_SECONDS = 150


class Streams:
    """Fifty streams at any time, half of them turns, half of them over the API.

    Attributes:
        ends: how many ended how.
        revisions: how many answers each revision gave.
    """

    def __init__(self, instance: Instance, person: Person, model: str) -> None:
        self._instance, self._person, self._model = instance, person, model
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.ends: Counter[str] = Counter()
        self.revisions: Counter[str] = Counter()

    def start(self) -> None:
        for number in range(STREAMS):
            work = self._turns() if number % 2 else self._relays()
            self._tasks.append(asyncio.create_task(work))

    async def finish(self) -> None:
        """Let each come to its end."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    def _question(self) -> tuple[str, str]:
        words = " ".join(secrets.token_hex(2) for _ in range(WORDS))
        return f"[[echo]]{words}", words

    async def _turns(self) -> None:
        while not self._over.is_set():
            question, words = self._question()
            # With a title, so that no job asks for one.
            conversation = await self._person.conversation(title="Swapped")
            told = Told()
            body = {"content": question, "model": self._model}
            turn = await begin(self._person, conversation, body, f"swap-{conversation}", told)
            await follow(self._person, turn, told)
            whole = told.kinds[-1] == "turn.completed" and told.text == words
            self.ends["turn whole" if whole and not told.broken else f"turn {told.kinds[-1]}"] += 1
            self.revisions[orjson.loads(_data_of(told.frames[0]))["revision"]] += 1

    async def _relays(self) -> None:
        headers = {"Authorization": f"Bearer {self._instance.stack.key}"}
        async with aiohttp.ClientSession(self._instance.url, headers=headers) as client:
            while not self._over.is_set():
                question, words = self._question()
                body = {
                    "model": self._model,
                    "stream": True,
                    "messages": [{"role": "user", "content": question}],
                }
                try:
                    async with client.post("/v1/chat/completions", json=body) as response:
                        whole = await response.read()
                        status = response.status
                except aiohttp.ClientError as error:
                    self.ends[f"api {error!r}"] += 1
                    continue
                if status == 200 and whole.endswith(b"data: [DONE]\n\n") and _text_of(whole) == words:
                    self.ends["api whole"] += 1
                    self.revisions[response.headers["x-headrace-model"].split("@")[1]] += 1
                else:
                    self.ends[f"api {status} {whole[-200:]!r}"] += 1


async def test_swaps_under_streams_refuse_nothing_and_cut_nothing(
    instance: Instance, database: Postgres, note: Note, long: bool
) -> None:
    swaps = 20 if long else 2
    await instance.all_ready()
    model = f"swapped-{secrets.token_hex(2)}"
    person = await person_at(instance.url)
    try:
        async with operating(instance, database, model) as operator:
            await operator.add("r0")
            await operator.deploy("r0")
            await can_be_asked(person, model)
            streams = Streams(instance, person, model)
            streams.start()
            long_stream = asyncio.create_task(_long_stream(instance, model)) if long else None
            took, finished, drops = [], 0, 0
            for number in range(1, swaps + 1):
                await operator.add(f"r{number}")
                began = time.monotonic()
                receipt = await operator.promote(f"r{number}")
                took.append(time.monotonic() - began)
                finished += receipt["streams_finished_on_old"]
                drops += receipt["drops"]
                assert receipt["revision"] == f"r{number}"
                assert set(receipt["revisions"]) == {f"r{number - 1}", f"r{number}"}
            await streams.finish()
            if long_stream is not None:
                note(f"a stream of {await long_stream:.0f} s, begun before the first swap, came to its end")
            note(
                f"{swaps} swaps under {STREAMS} streams: {dict(streams.ends)}; a swap took "
                f"{sorted(took)[len(took) // 2]:.1f} s at the median, {max(took):.1f} s at most"
            )
            note(f"{finished} answers were finished by a revision that had lost its traffic; {drops} dropped")
            assert set(streams.ends) == {"turn whole", "api whole"}
            assert drops == 0
            assert set(streams.revisions) == {f"r{number}" for number in range(swaps + 1)}
            kept = await operator.call("GET", f"/api/admin/promotions?name={model}")
            assert [item["state"] for item in kept["items"]] == ["promoted"] * swaps
            differences = await instance.settled_differences(model)
            note(f"ledger less engines: {differences}")
            assert set(differences.values()) <= {0}
    finally:
        await person.close()


async def _long_stream(instance: Instance, model: str) -> float:
    """Seconds that one stream took, begun now."""
    tokens = int(LONG_STREAM_SECONDS / 0.1)
    words = " ".join(f"w{number % 100}" for number in range(tokens))
    headers = {"Authorization": f"Bearer {instance.stack.key}"}
    body = {
        "model": model,
        "stream": True,
        "messages": [{"role": "user", "content": f"[[slow]] [[echo]]{words}"}],
    }
    began = time.monotonic()
    async with (
        aiohttp.ClientSession(instance.url, headers=headers, timeout=aiohttp.ClientTimeout(None)) as client,
        client.post("/v1/chat/completions", json=body) as response,
    ):
        whole = await response.read()
    assert whole.endswith(b"data: [DONE]\n\n"), whole[-300:]
    assert _text_of(whole) == words
    return time.monotonic() - began


def _text_of(stream: bytes) -> str:
    pieces = []
    for frame in stream.split(b"\n\n"):
        data = frame.removeprefix(b"data: ")
        if data and data != b"[DONE]":
            for choice in orjson.loads(data)["choices"]:
                pieces.append(choice["delta"].get("content") or "")
    return "".join(pieces)


def _data_of(frame: bytes) -> bytes:
    return next(line[6:] for line in frame.split(b"\n") if line.startswith(b"data: "))
