"""An engine with more to do than it can: chats go before programs, programs before jobs, and all are told."""

import asyncio
import secrets
import statistics
import time

import aiohttp
import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.drills.operator import Operator, can_be_asked, operating
from tests.gateway.client import Person

pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]

SEATS = 4
WORDS, JOB_WORDS = 40, 60
TOKEN_MS = 50
JOBS, PROGRAMS, CHATS = 9, 6, 8
# Until everybody has been asked: what is in the engine by then came too early to be overtaken.
PAUSE_SECONDS = 0.5


class Crowd:
    """Requests to one model. Seconds until each was answered whole, by their kind, since all had been sent.

    Attributes:
        places: what each chat was told of its place.
    """

    def __init__(self, instance: Instance, person: Person, model: str) -> None:
        self._instance, self._person, self._model = instance, person, model
        self.ended: dict[str, list[float]] = {"chat": [], "program": [], "job": []}
        self.places: list[list[int]] = []

    async def program(self, client: aiohttp.ClientSession, kind: str) -> None:
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": question(JOB_WORDS if kind == "job" else WORDS)}],
            **({"service_tier": "flex"} if kind == "job" else {}),
        }
        async with client.post("/v1/chat/completions", json=body) as response:
            assert response.status == 200, await response.text()
            await response.read()
        self.ended[kind].append(time.monotonic())

    async def chat(self) -> None:
        told = Told()
        conversation = await self._person.conversation(title="In line")
        body = {"content": question(), "model": self._model}
        turn = await begin(self._person, conversation, body, f"line-{conversation}", told)
        await follow(self._person, turn, told)
        assert told.kinds[-1] == "turn.completed"
        self.ended["chat"].append(time.monotonic())
        self.places.append(told.places)


def question(words: int = WORDS) -> str:
    return "[[echo]]" + " ".join(secrets.token_hex(2) for _ in range(words))


async def test_a_full_engine_answers_chats_before_programs_before_jobs(
    instance: Instance, database: Postgres, note: Note
) -> None:
    await instance.all_ready()
    model = f"full-{secrets.token_hex(2)}"
    person = await person_at(instance.url)
    headers = {"Authorization": f"Bearer {instance.stack.key}"}
    try:
        async with (
            operating(instance, database, model) as operator,
            aiohttp.ClientSession(
                instance.url, headers=headers, connector=aiohttp.TCPConnector(limit=0)
            ) as client,
        ):
            await operator.add("r1", simulated={"ttft_ms": 0, "token_ms": TOKEN_MS, "seats": SEATS})
            await operator.deploy("r1")
            await can_be_asked(person, model)
            crowd = Crowd(instance, person, model)
            began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for _ in range(JOBS):
                    group.create_task(crowd.program(client, "job"))
                await asyncio.sleep(PAUSE_SECONDS)
                for _ in range(PROGRAMS):
                    group.create_task(crowd.program(client, "program"))
                await asyncio.sleep(PAUSE_SECONDS)
                for _ in range(CHATS):
                    group.create_task(crowd.chat())
                queue = await _longest_queue(operator)
            waits = {kind: [ended - began for ended in times] for kind, times in crowd.ended.items()}
            for kind, times in waits.items():
                note(f"{kind}: answered after {statistics.median(times):.1f} s, the last {max(times):.1f} s")
            note(f"the operator saw {queue} waiting; chats were told {crowd.places}")
            # Jobs leave one place free, which the first program got; the others they had before anybody came.
            assert max(waits["chat"]) < min(sorted(waits["program"])[1:])
            assert max(waits["program"]) < min(sorted(waits["job"])[SEATS - 1 :])
            assert queue > CHATS
            told = [places for places in crowd.places if places]
            assert told, "nobody was told that there was a queue"
            assert all(places == sorted(places, reverse=True) for places in told)
            differences = await instance.settled_differences(model)
            note(f"ledger less engines: {differences}")
            assert set(differences.values()) <= {0}
    finally:
        await person.close()


async def _longest_queue(operator: Operator) -> int:
    """What the list of models says of those who wait, at the most within two seconds."""
    longest = 0
    for _ in range(10):
        row = await operator.revision("r1")
        longest = max(longest, (row["queue"] or {"waiting": 0})["waiting"])
        await asyncio.sleep(0.2)
    return longest
