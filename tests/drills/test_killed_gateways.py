"""Fifty turns at once, and `kill -9` of a random gateway every three seconds."""

import asyncio
import random
import statistics
import time

import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.gateway.client import MODEL, Person

pytestmark = [pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]

TURNS = 50
PEOPLE = 10
EVERY_SECONDS = 3.0


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
        after = await instance.settled_differences(MODEL, 120)
        moments = instance.take_overs(began)
        waits = [min(moment - kill for kill, _ in kills if kill <= moment) for moment in moments]
        note(f"{TURNS} turns, {len(kills)} kills, {len(moments)} take-overs, {len(lost)} lost")
        reconnects, unknown = sum(t.reconnects for t in histories), sum(t.unknown for t in histories)
        note(f"{reconnects} reconnects, {unknown} requests of which nobody knew what became")
        note(f"kill to take-over: median {statistics.median(waits):.1f} s, longest {max(waits):.1f} s")
        note(f"longest silence of one client: {max(told.longest_silence for told in histories):.1f} s")
        note(f"ledger less engines, before and after: {before} {after}")
        note(f"tokens that were read again: {sum(row['repeated_tokens'] for row in stored)}")

        assert lost == []
        assert moments, "nothing was taken over: the drill has shown nothing"
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


async def _prompt_tokens(person: Person, question: str) -> int:
    """What a prompt costs, by the engine's own count: an answer to it that is stopped at once."""
    conversation = await person.conversation()
    events = await person.ask(conversation, question, max_tokens=1)
    return int(events[-2][2]["prompt_tokens"])
