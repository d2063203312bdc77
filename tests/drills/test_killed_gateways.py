"""Fifty turns at once, and `kill -9` of a random gateway every three seconds."""

import asyncio
import random
import statistics
import time
from collections.abc import Sequence

import pytest

from core.postgres import Postgres
from gateway.chat.repository import LEASE_SECONDS
from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.gateway.client import MODEL, Person, until

pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]

TURNS = 50
PEOPLE = 10
EVERY_SECONDS = 3.0
# Enough that each gateway has some of them.
FEW = 12
# A last renewal may be stored a moment after its process was killed.
IN_FLIGHT_SECONDS = 0.5


async def test_fifty_turns_under_kill_9_lose_nothing_double_nothing_and_are_charged_once(
    instance: Instance, database: Postgres, note: Note, long: bool
) -> None:
    seconds = 60.0 if long else 12.0
    # Ten words a second.
    words = " ".join(f"w{number}" for number in range(int(seconds * 10) + 30))
    question = f"[[slow]] [[echo]]{words}"
    body = {"content": question, "model": MODEL}
    await instance.all_ready()
    people = [await person_at(instance.url) for _ in range(PEOPLE)]
    histories = [Told() for _ in range(TURNS)]
    try:
        undisturbed = await people[0].ask(await people[0].conversation(), question.replace("[[slow]] ", ""))
        usage = undisturbed[-2][2]
        before = await instance.settled_differences(MODEL)
        conversations = [await people[number % PEOPLE].conversation() for number in range(TURNS)]

        async def one(number: int) -> None:
            told, person = histories[number], people[number % PEOPLE]
            turn = await begin(person, conversations[number], body, f"drill-{number}", told)
            await follow(person, turn, told)

        began = time.time()
        turns = [asyncio.create_task(one(number)) for number in range(TURNS)]
        kills = await _kill(instance, seconds)
        await asyncio.gather(*turns)
        await instance.all_ready()

        lost = [told for told in histories if told.kinds[-1] != "turn.completed" or told.text != words]
        stored = await database.fetch(
            "SELECT id, status, prompt_tokens, completion_tokens, repeated_tokens FROM turns "
            "WHERE conversation_id = ANY($1::text[])",
            conversations,
        )
        books = await database.fetch(
            "SELECT state, prompt_tokens, completion_tokens FROM ledger_entries "
            "WHERE kind = 'turn' AND reference = ANY($1::text[])",
            [told.turn_id for told in histories],
        )
        after = await instance.settled_differences(MODEL, 240)
        moments = instance.take_overs(began)
        waits = await _waits(database, [kill for kill, _ in kills], moments)
        note(f"{TURNS} turns, {len(kills)} kills, {len(moments)} take-overs, {len(lost)} lost")
        reconnects, unknown = sum(t.reconnects for t in histories), sum(t.unknown for t in histories)
        note(f"{reconnects} reconnects, {unknown} requests of which nobody knew what became")
        if waits:
            longest, median = max(waits), statistics.median(waits)
            without = len(moments) - len(waits)
            note(
                f"kill to take-over: median {median:.1f} s, longest {longest:.1f} s; {without} without a kill"
            )
        note(f"longest silence of one client: {max(told.longest_silence for told in histories):.1f} s")
        note(f"engines less ledger, before and after: {before} {after}")
        note(f"tokens that were read again: {sum(row['repeated_tokens'] for row in stored)}")

        assert lost == []
        assert waits, "nothing was taken over behind a kill: the drill has shown nothing"
        assert sorted(row["id"] for row in stored) == sorted(told.turn_id for told in histories), (
            "one doubled"
        )
        assert {row["status"] for row in stored} == {"completed"}
        charged = (usage["prompt_tokens"], usage["completion_tokens"])
        slow = await _prompt_tokens(people[0], question)
        assert {(row["prompt_tokens"], row["completion_tokens"]) for row in stored} == {(slow, charged[1])}
        assert [(row["state"], row["prompt_tokens"], row["completion_tokens"]) for row in books] == [
            ("settled", slow, charged[1])
        ] * TURNS
        assert after == before
        for number, conversation in enumerate(conversations):
            shown = await people[number % PEOPLE].messages(conversation)
            assert [message["content"] for message in shown] == [question, words]
    finally:
        for person in people:
            await person.close()


async def test_what_one_killed_gateway_ran_is_taken_over_by_the_others(
    instance: Instance, database: Postgres, note: Note
) -> None:
    words = " ".join(f"w{number}" for number in range(150))
    body = {"content": f"[[slow]] [[echo]]{words}", "model": MODEL}
    await instance.all_ready()
    person = await person_at(instance.url)
    histories = [Told() for _ in range(FEW)]
    try:

        async def one(told: Told) -> None:
            turn = await begin(person, await person.conversation(), body, f"one-{id(told)}", told)
            await follow(person, turn, told)

        began = time.time()
        turns = [asyncio.create_task(one(told)) for told in histories]
        await until(lambda: all(told.text for told in histories))
        # The one that runs the most of them.
        name = max(instance.gateways, key=instance.turns_running)
        running = instance.turns_running(name)
        instance.kill(instance.living()[name])
        killed = time.time()
        await asyncio.gather(*turns)
        await instance.all_ready()
        assert {told.text for told in histories} == {words}
        waits = [moment - killed for moment, _ in instance.take_overs(began)]
        assert 0 < len(waits) <= running <= FEW
        note(
            f"{name} killed under {running} of {FEW} turns: {len(waits)} taken over "
            f"after {min(waits):.1f} to {max(waits):.1f} s"
        )
    finally:
        await person.close()


async def _kill(instance: Instance, seconds: float) -> list[tuple[float, str]]:
    """When which gateway was killed."""
    kills: list[tuple[float, str]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(EVERY_SECONDS)
        living = instance.living()
        if living:
            name, pid = random.choice(sorted(living.items()))
            instance.kill(pid)
            kills.append((time.time(), name))
    return kills


async def _waits(
    database: Postgres, kills: Sequence[float], take_overs: Sequence[tuple[float, str]]
) -> list[float]:
    """Seconds from the kill of a runner to each take-over from it; one without a kill is not there.

    Which kill it was is told by the runner's last lease: the first after that. The last kill before the
    take-over may have been another gateway's, and would make the wait look shorter.
    """
    rows = await database.fetch("SELECT id, extract(epoch FROM lease_until)::float8 AS until FROM runners")
    renewed = {row["id"]: row["until"] - LEASE_SECONDS for row in rows}
    found = []
    for moment, runner in take_overs:
        if runner in renewed:
            after = [kill for kill in kills if renewed[runner] - IN_FLIGHT_SECONDS <= kill <= moment]
            found += [moment - kill for kill in after[:1]]
    return found


async def _prompt_tokens(person: Person, question: str) -> int:
    """What a prompt costs, by the engine's own count: an answer to it that is stopped at once."""
    conversation = await person.conversation()
    events = await person.ask(conversation, question, max_tokens=1)
    return int(events[-2][2]["prompt_tokens"])
