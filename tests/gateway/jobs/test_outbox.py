"""The outbox: a message if and only if its transaction was committed, at least once, in order."""

import asyncio
from collections.abc import Sequence

import pytest

from core.broker import Message
from core.broker_fake import FakeBroker, FakeProducer
from core.errors import Unavailable
from core.postgres import Connection, Postgres
from gateway.chat.tables import TurnEnd, TurnStart
from gateway.jobs import messages
from gateway.jobs.outbox import OutboxRelay
from gateway.jobs.repository import JobRepository
from gateway.jobs.tables import OutboxRow
from tests.gateway.client import Gateway, Person
from tests.gateway.jobs.conftest import TRACE, Jobs


class Mine(JobRepository):
    """Only the rows of one topic: the outbox belongs to the whole run."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(jobs.postgres, topic=jobs.topic, lease_seconds=60)
        self._mine = jobs.topic
        self.fail_mark = False

    async def unsent(self, connection: Connection, limit: int) -> Sequence[OutboxRow]:
        rows = await connection.fetch(
            "SELECT id, topic, key, headers, payload FROM outbox WHERE sent_at IS NULL AND topic = $2 "
            "ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
            limit,
            self._mine,
        )
        return [OutboxRow(**dict(row)) for row in rows]

    async def mark_sent(self, connection: Connection, rows: Sequence[OutboxRow]) -> None:
        if self.fail_mark:
            raise Unavailable()
        await super().mark_sent(connection, rows)


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def mine(jobs: Jobs) -> Mine:
    return Mine(jobs)


async def relay(mine: Mine, broker: FakeBroker) -> OutboxRelay:
    producer = FakeProducer(broker)
    await producer.start()
    return OutboxRelay(mine._postgres, mine, producer)


def sent(broker: FakeBroker, jobs: Jobs) -> list[Message]:
    return [message for log in broker.topics.get(jobs.topic, []) for message in log]


async def test_a_transaction_that_is_rolled_back_leaves_neither_job_nor_message(jobs: Jobs) -> None:
    with pytest.raises(RuntimeError, match="changed my mind"):
        async with jobs.postgres.transaction() as connection:
            job_id = await jobs.repository.enqueue(
                connection,
                kind="test",
                user_id=jobs.person.id,
                idempotency_key=f"k-{jobs.topic}",
                payload={},
                traceparent=TRACE,
            )
            assert job_id
            raise RuntimeError("changed my mind")
    assert await jobs.messages() == []
    assert await jobs.postgres.fetchval("SELECT count(*) FROM jobs WHERE user_id = $1", jobs.person.id) == 0


async def test_a_message_carries_its_version_its_key_and_its_trace(jobs: Jobs) -> None:
    job_id = await jobs.add(key=f"k-{jobs.topic}")
    (message,) = await jobs.messages()
    assert message["key"] == job_id
    assert message["headers"] == {
        "version": "1",
        "idempotency-key": f"k-{jobs.topic}",
        "traceparent": TRACE,
        "content-type": "application/json",
    }
    assert message["payload"] == {"job_id": job_id, "kind": "test", "version": 1}


async def test_a_key_that_was_used_makes_no_second_job(jobs: Jobs) -> None:
    await jobs.add(key=f"k-{jobs.topic}")
    async with jobs.postgres.transaction() as connection:
        again = await jobs.repository.enqueue(
            connection,
            kind="test",
            user_id=jobs.person.id,
            idempotency_key=f"k-{jobs.topic}",
            payload={},
            traceparent=TRACE,
        )
    assert again is None
    assert len(await jobs.messages()) == 1


async def test_a_turn_leaves_its_message_if_and_only_if_it_was_settled(
    gateway: Gateway, person: Person, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def titles(conversation: str) -> int:
        found: int = await database.fetchval(
            "SELECT count(*) FROM outbox o JOIN jobs j ON j.id = o.key WHERE j.idempotency_key = $1",
            f"title:{conversation}",
        )
        return found

    kept = await person.conversation()
    await person.ask(kept, "Hi")
    assert await titles(kept) == 1
    await person.ask(kept, "More")
    assert await titles(kept) == 1

    hook = gateway.house.runner._repository._after
    original = hook.turn_settled
    failures = [Unavailable()]

    async def fails_at_last(connection: Connection, turn: TurnStart, end: TurnEnd) -> None:
        await original(connection, turn, end)
        if failures:
            raise failures.pop()

    monkeypatch.setattr("gateway.chat.runner.SETTLE_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(hook, "turn_settled", fails_at_last)
    rolled_back = await person.conversation()
    assert (await person.ask(rolled_back, "Hi"))[-1][1] == "turn.completed"
    assert failures == []
    assert await titles(rolled_back) == 1


async def test_a_turn_without_a_word_and_a_titled_conversation_ask_for_no_title(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    named = await person.conversation(title="Mine")
    await person.ask(named, "Hi")
    silent = await person.conversation()
    gateway.engine.refuse(500, b"")
    await person.ask(silent, "Hi")
    assert await database.fetchval("SELECT count(*) FROM jobs WHERE user_id = $1", person.id) == 0


async def test_everything_is_sent_once_and_in_order(jobs: Jobs, mine: Mine, broker: FakeBroker) -> None:
    ids = [await jobs.add() for _ in range(7)]
    carrier = await relay(mine, broker)
    assert await carrier.step() == 7
    assert await carrier.step() == 0
    got = sent(broker, jobs)
    assert [messages.read(message).job_id for message in got] == ids
    assert all(message.headers["traceparent"] == TRACE for message in got)
    assert (await jobs.get(ids[0]))["published_at"] is not None


async def test_a_broker_that_is_away_loses_nothing(jobs: Jobs, mine: Mine, broker: FakeBroker) -> None:
    await jobs.add()
    carrier = await relay(mine, broker)
    broker.away = True
    with pytest.raises(Unavailable):
        await carrier.step()
    assert (await jobs.messages())[0]["sent_at"] is None
    broker.away = False
    assert await carrier.step() == 1


async def test_a_crash_between_sending_and_noting_it_sends_again(
    jobs: Jobs, mine: Mine, broker: FakeBroker
) -> None:
    job_id = await jobs.add()
    carrier = await relay(mine, broker)
    mine.fail_mark = True
    with pytest.raises(Unavailable):
        await carrier.step()
    mine.fail_mark = False
    assert await carrier.step() == 1
    assert [messages.read(message).job_id for message in sent(broker, jobs)] == [job_id, job_id]


async def test_two_relays_never_send_the_same_message(jobs: Jobs, mine: Mine, broker: FakeBroker) -> None:
    for _ in range(20):
        await jobs.add()
    carriers = [await relay(mine, broker) for _ in range(4)]
    counts = await asyncio.gather(*(carrier.step() for carrier in carriers))
    assert sum(counts) == 20
    keys = [message.key for message in sent(broker, jobs)]
    assert len(keys) == len(set(keys)) == 20


async def test_a_message_that_is_not_ours_is_told_apart() -> None:
    for value in (
        b"",
        b"\x00",
        b"[]",
        b"{}",
        b'{"job_id":1,"kind":"x"}',
        b'{"job_id":"j","kind":"k","version":2}',
    ):
        with pytest.raises(messages.Invalid):
            messages.read(Message("t", "k", value))
