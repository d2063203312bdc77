"""One suite for the broker: Kafka's protocol over a socket, and the fake that stands in for it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from core.broker import Consumer, KafkaConsumer, KafkaProducer, Message, Producer, ensure_topics
from core.broker_fake import FakeBroker, FakeConsumer, FakeProducer
from core.errors import Unavailable


@dataclass
class Broker:
    """How a suite gets at one broker."""

    producer: Callable[[], Producer]
    consumer: Callable[[str, str], Consumer]
    ensure: Callable[[Mapping[str, int]], Awaitable[Sequence[str]]]


def real(servers: str) -> Broker:
    return Broker(
        lambda: KafkaProducer(servers, idempotent=False),
        lambda group, topic: KafkaConsumer(servers, group=group, topics=[topic]),
        lambda topics: ensure_topics(servers, topics),
    )


def fake(broker: FakeBroker) -> Broker:
    return Broker(
        lambda: FakeProducer(broker),
        lambda group, topic: FakeConsumer(broker, group=group, topics=[topic]),
        broker.ensure_topics,
    )


@pytest.fixture(params=["kafka", "fake"])
def broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "fake":
        return fake(FakeBroker())
    return real(request.getfixturevalue("kafka_servers"))


@pytest.fixture
async def topic(broker: Broker) -> str:
    name = f"contract.{secrets.token_hex(6)}"
    assert list(await broker.ensure({name: 3})) == [name]
    return name


@pytest.fixture
async def producer(broker: Broker) -> AsyncIterator[Producer]:
    made = broker.producer()
    await made.start()
    yield made
    await made.stop()


async def take(consumer: Consumer, count: int, *, commit: bool = True) -> list[Message]:
    """The next `count` messages."""
    taken: list[Message] = []
    async with asyncio.timeout(30):
        async for message in consumer.messages():
            taken.append(message)
            if commit:
                await consumer.commit(message)
            if len(taken) == count:
                break
    return taken


async def read(broker: Broker, topic: str, group: str, count: int, *, commit: bool = True) -> list[Message]:
    consumer = broker.consumer(group, topic)
    await consumer.start()
    try:
        return await take(consumer, count, commit=commit)
    finally:
        await consumer.stop()


async def test_a_message_arrives_as_it_was_sent(broker: Broker, topic: str, producer: Producer) -> None:
    sent = Message(topic, "job_ü", b"\x00\xff{}", {"version": "1", "traceparent": "00-é"})
    await producer.send([sent])
    (got,) = await read(broker, topic, "g", 1)
    assert (got.topic, got.key, got.value, dict(got.headers)) == (
        sent.topic,
        sent.key,
        sent.value,
        dict(sent.headers),
    )
    assert got.offset >= 0


async def test_messages_of_one_key_arrive_in_order(broker: Broker, topic: str, producer: Producer) -> None:
    await producer.send([Message(topic, f"k{n % 5}", str(n).encode()) for n in range(60)])
    got = await read(broker, topic, "g", 60)
    for key in {message.key for message in got}:
        numbers = [int(message.value) for message in got if message.key == key]
        assert numbers == sorted(numbers)
    assert sorted(int(message.value) for message in got) == list(range(60))


async def test_what_was_committed_does_not_come_again_and_what_was_not_does(
    broker: Broker, topic: str, producer: Producer
) -> None:
    await producer.send([Message(topic, "k", b"first")])
    await read(broker, topic, "g", 1)
    await producer.send([Message(topic, "k", b"second")])
    assert [m.value for m in await read(broker, topic, "g", 1, commit=False)] == [b"second"]
    assert [m.value for m in await read(broker, topic, "g", 1)] == [b"second"]


async def test_every_group_gets_every_message(broker: Broker, topic: str, producer: Producer) -> None:
    await producer.send([Message(topic, "k", b"x")])
    for group in ("one", "two"):
        assert [m.value for m in await read(broker, topic, group, 1)] == [b"x"]


async def test_a_waiting_consumer_gets_what_is_sent_later(
    broker: Broker, topic: str, producer: Producer
) -> None:
    consumer = broker.consumer("g", topic)
    await consumer.start()
    waiting = asyncio.create_task(take(consumer, 1))
    await asyncio.sleep(0)
    await producer.send([Message(topic, "k", b"later")])
    assert [m.value for m in await waiting] == [b"later"]
    await consumer.stop()


async def test_stop_ends_the_messages(broker: Broker, topic: str) -> None:
    consumer = broker.consumer("g", topic)
    await consumer.start()
    reading = asyncio.create_task(take(consumer, 1))
    await asyncio.sleep(0.1)
    await consumer.stop()
    async with asyncio.timeout(20):
        try:
            assert await reading == []
        except Unavailable:
            # As good an end: the connection is closed.
            assert reading.done()


async def test_what_is_not_started_is_unavailable(broker: Broker, topic: str) -> None:
    message = Message(topic, "k", b"x", {}, 0, 0)
    with pytest.raises(Unavailable):
        await broker.producer().send([message])
    with pytest.raises(Unavailable):
        await broker.consumer("g", topic).commit(message)
    await broker.producer().stop()
    await broker.consumer("g", topic).stop()


async def test_a_stopped_producer_can_be_started_again(broker: Broker, topic: str) -> None:
    producer = broker.producer()
    for value in (b"a", b"b"):
        await producer.start()
        await producer.send([Message(topic, "k", value)])
        await producer.stop()
    assert [m.value for m in await read(broker, topic, "g", 2)] == [b"a", b"b"]


async def test_topics_are_made_once(broker: Broker, topic: str) -> None:
    assert list(await broker.ensure({topic: 3})) == []
    other = f"{topic}.more"
    assert list(await broker.ensure({topic: 3, other: 1})) == [other]


@pytest.mark.parametrize("kind", ["kafka", "fake"])
async def test_a_broker_that_is_away_is_unavailable_within_its_deadline(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.broker.REQUEST_TIMEOUT_MS", 1_000)
    nobody = FakeBroker()
    nobody.away = True
    broker = real("127.0.0.1:9") if kind == "kafka" else fake(nobody)
    async with asyncio.timeout(20):
        for attempt in (
            broker.producer().start,
            broker.consumer("g", "t").start,
            lambda: broker.ensure({"t": 1}),
        ):
            with pytest.raises(Unavailable) as away:
                await attempt()
            assert away.value.retry
