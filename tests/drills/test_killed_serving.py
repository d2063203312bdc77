"""What stands around the replicas dies under load: the load balancer, Serve's controller, all of Ray."""

import asyncio
import os
import secrets
import signal
import time

import psutil
import pytest

from core.postgres import Postgres
from tests.drills.callers import Callers
from tests.drills.conftest import Note
from tests.drills.follower import person_at
from tests.drills.instance import Instance
from tests.drills.operator import can_be_asked, operating
from tests.gateway.client import Person

pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(1800)]

LOAD_SECONDS = 5.0
SETTLE_SECONDS = 4.0
# Ray starts anew, and with it everything that was to run; small machines take their time.
BACK_SECONDS = 240.0


async def _answers(person: Person, model: str) -> float:
    """Seconds until a turn begun now has come to its end."""
    began = time.monotonic()
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            conversation = await person.conversation(title="Back?")
            status, begun = await person.call(
                "POST",
                f"/api/conversations/{conversation}/turns",
                json={"content": "[[echo]]yes", "model": model},
            )
            if status == 201:
                events = await person.follow(begun["turn_id"])
                if b"turn.completed" in events:
                    return time.monotonic() - began
            await asyncio.sleep(0.5)


def _find(instance: Instance, title: str) -> list[psutil.Process]:
    found = []
    for process in instance.stack.processes():
        try:
            if title in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.parametrize("victim", ["haproxy", "controller", "ray"])
async def test_what_was_begun_ends_with_a_word_and_turns_go_on(
    instance: Instance, database: Postgres, note: Note, victim: str
) -> None:
    await instance.all_ready()
    model = f"hit-{secrets.token_hex(2)}"
    person = await person_at(instance.url)
    try:
        async with operating(instance, database, model) as operator:
            await operator.add("r0", simulated={"ttft_ms": 20, "token_ms": 60})
            await operator.deploy("r0")
            await can_be_asked(person, model)
            callers = Callers(instance, person, model)
            callers.start()
            await asyncio.sleep(LOAD_SECONDS)
            await asyncio.to_thread(_kill, instance, victim)
            # Ray's own processes outlive the one that started them by a moment.
            await asyncio.sleep(SETTLE_SECONDS if victim == "ray" else 0)
            took = await _answers(person, model)
            await asyncio.sleep(LOAD_SECONDS)
            await callers.finish()
            asked = callers.begun + callers.refused.total()
            note(
                f"{victim} was killed: a new turn was whole after {took:.1f} s; {callers.begun} of {asked} "
                f"requests had a first token, of those {dict(callers.ends)}; turns {dict(callers.turns)}"
            )
            if callers.refused:
                note(f"the others were told: {dict(callers.refused)}")
            assert set(callers.ends) <= {"whole", "told"}
            assert set(callers.turns) == {"whole"}
            # Where only Ray's control is away, nobody has to notice.
            assert victim == "ray" or callers.begun >= 0.99 * asked
    finally:
        await person.close()


def _kill(instance: Instance, victim: str) -> None:
    if victim == "ray":
        pid = instance.services()["ray"].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return
    title = "haproxy -" if victim == "haproxy" else "ServeController"
    processes = _find(instance, title)
    assert processes, f"no process {title}"
    for process in processes:
        process.kill()
