"""Whoever waits for a place in an engine is told how many are before, and when that is over."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway.chat.running import RunningTurn
from gateway.routing.queues import Queues, ReplicaQueue
from tests.gateway.client import MODEL, Gateway, Person, events_of, text_of, until


@pytest.fixture(autouse=True)
def empty_queue_afterwards(gateway: Gateway) -> Iterator[None]:
    yield
    gateway.control.queue = []


async def hear(running: RunningTurn, heard: list[bytes]) -> None:
    """What somebody who follows the turn is told of how it goes."""
    async for events in running.log.shown.follow(0, 30):
        heard += [event.data for event in events if event.seq == 0]


def queue(*references: str) -> list[ReplicaQueue]:
    return [
        ReplicaQueue(MODEL, "r1", running=1, waiters=0, waiting=[]),
        ReplicaQueue(MODEL, "r1", running=1, waiters=len(references), waiting=list(references)),
    ]


async def test_a_turn_in_the_queue_is_told_its_place_until_it_has_one(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.say("at", " last", pause=3.5)
    conversation = await person.conversation()
    turn = await person.begin(conversation, "Hi")
    gateway.control.queue = queue("somebody", turn, "another")
    heard: list[bytes] = []
    following = asyncio.create_task(hear(gateway.house.runner.silent()[0], heard))
    await until(lambda: len(heard) == 1)
    gateway.control.queue = queue(turn)
    await until(lambda: len(heard) == 2)
    gateway.control.queue = queue()
    await following
    assert heard == [
        b'{"state":"queued","place":2}',
        b'{"state":"queued","place":1}',
        b'{"state":"running"}',
    ]
    events = events_of(await person.follow(turn))
    assert text_of(events) == "at last"
    assert events[-1][1] == "turn.completed"


async def test_a_turn_that_does_not_wait_long_is_told_nothing(gateway: Gateway, person: Person) -> None:
    turn = await person.begin(await person.conversation(), "Hi")
    assert events_of(await person.follow(turn))[-1][1] == "turn.completed"
    assert gateway.house.runner.silent() == []


async def test_a_serving_side_that_does_not_say_who_waits_stops_nobody(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.say("slow", pause=1.2)
    turn = await person.begin(await person.conversation(), "Hi")
    gateway.control.away = True
    await gateway.house.places.step()
    gateway.control.away = False
    assert events_of(await person.follow(turn))[-1][1] == "turn.completed"


async def test_a_serving_side_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        async def queues(self) -> list[ReplicaQueue]:
            await asyncio.sleep(60)
            return queue("somebody")

    monkeypatch.setattr("gateway.routing.queues.DEADLINE_SECONDS", 0.05)
    async with asyncio.timeout(5):
        assert await Queues(Silent()).now() == ()
