"""Replicas that die one after the other: requests find another, and what was begun ends with a word."""

import asyncio
import random
import secrets
import time

import psutil
import pytest

from core.postgres import Postgres
from tests.drills.callers import Callers
from tests.drills.conftest import Note
from tests.drills.follower import person_at
from tests.drills.instance import Instance
from tests.drills.operator import can_be_asked, operating

# The long form takes minutes.
pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(1800)]

REPLICAS = 3
KILL_EVERY_SECONDS = 5.0


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
