"""The only file that opens Kafka connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from aiokafka.structs import ConsumerRecord

from core.errors import Unavailable
from core.log import get_logger

log = get_logger(__name__)

REQUEST_TIMEOUT_MS = 10_000
# Joining a group waits for the other members to join anew, and for those that died to be given up.
JOIN_TIMEOUT_SECONDS = 45.0
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a topic; `headers` carry version, idempotency key and traceparent."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    partition: int = 0
    offset: int = -1


class Producer(Protocol):
    """Sends messages and knows when the broker has them."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, messages: Sequence[Message]) -> None:
        """Returns when the broker acknowledged all of them. Raises core.errors.Unavailable otherwise: then
        some may have arrived, and the caller sends all of them again."""
        ...


class Consumer(Protocol):
    """Reads a topic as a member of a group."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def messages(self) -> AsyncIterator[Message]:
        """Messages until `stop`. Raises core.errors.Unavailable when the broker is lost."""
        ...

    async def commit(self, message: Message) -> None:
        """This message, and all before it in its partition, need not come again."""
        ...


class KafkaProducer:
    """A producer that waits for all in-sync replicas.

    Args:
        idempotent: on with Apache Kafka; the embedded broker does not know the call for it. Messages may be
            doubled without it, which the idempotency key in each makes harmless.
    """

    def __init__(self, bootstrap_servers: str, *, idempotent: bool) -> None:
        self._servers = bootstrap_servers
        self._idempotent = idempotent
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises core.errors.Unavailable."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            acks="all",
            enable_idempotence=self._idempotent,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            linger_ms=2,
            max_request_size=1024 * 1024,
        )
        try:
            await asyncio.wait_for(producer.start(), REQUEST_TIMEOUT_MS / 1000)
        except (KafkaError, OSError, TimeoutError) as error:
            await _end(producer.stop)
            raise _lost(error) from error
        self._producer = producer

    async def stop(self) -> None:
        """Flush within a bounded time and close."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await _end(producer.stop)

    async def send(self, messages: Sequence[Message]) -> None:
        if self._producer is None:
            raise Unavailable("The job queue is not connected.")
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                pending = [
                    await self._producer.send(
                        message.topic,
                        value=message.value,
                        key=message.key.encode(),
                        headers=[(name, value.encode()) for name, value in message.headers.items()],
                    )
                    for message in messages
                ]
                await asyncio.gather(*pending)
        except (KafkaError, OSError, TimeoutError) as error:
            raise _lost(error) from error


class KafkaConsumer:
    """A member of `group` on `topics`; commits only what it is told to."""

    def __init__(self, bootstrap_servers: str, *, group: str, topics: Sequence[str]) -> None:
        self._servers = bootstrap_servers
        self._group = group
        self._topics = topics
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Join the group. Raises core.errors.Unavailable."""
        consumer = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._servers,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_poll_records=64,
        )
        try:
            await asyncio.wait_for(consumer.start(), JOIN_TIMEOUT_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            await _end(consumer.stop)
            raise _lost(error) from error
        self._consumer = consumer

    async def stop(self) -> None:
        """Leave the group within a bounded time."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await _end(consumer.stop)
            # A stop that broke off has left this open, and it would look for the broker for ever.
            await _end(consumer._client.close)

    async def messages(self) -> AsyncIterator[Message]:
        while self._consumer is not None:
            try:
                batches = await self._consumer.getmany(timeout_ms=500, max_records=64)
            except (KafkaError, OSError) as error:
                raise _lost(error) from error
            for records in batches.values():
                for record in records:
                    yield _message(record)

    async def commit(self, message: Message) -> None:
        if self._consumer is None:
            raise Unavailable("The job queue is not connected.")
        try:
            await self._consumer.commit(
                {TopicPartition(message.topic, message.partition): message.offset + 1}
            )
        except (KafkaError, OSError) as error:
            raise _lost(error) from error


async def ensure_topics(
    bootstrap_servers: str, topics: Mapping[str, int], *, replication: int = 1
) -> Sequence[str]:
    """Create what is missing of `topics` (name to number of partitions); returns the names it created.

    Raises core.errors.Unavailable.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            await admin.start()
            existing = set(await admin.list_topics())
            missing = [
                NewTopic(name=name, num_partitions=partitions, replication_factor=replication)
                for name, partitions in topics.items()
                if name not in existing
            ]
            if missing:
                with contextlib.suppress(TopicAlreadyExistsError):
                    await admin.create_topics(missing)
            return [topic.name for topic in missing]
    except (KafkaError, OSError, TimeoutError) as error:
        raise _lost(error) from error
    finally:
        await _end(admin.close)


async def _end(stop: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the library's own end within a bound.

    In a task of its own, because the library lets the cancellation of its inner tasks out when the broker
    was lost: here that would look as if we had been cancelled, and end the loop that wants to go on.
    """
    task = asyncio.create_task(stop())
    await asyncio.wait({task}, timeout=STOP_SECONDS)
    if not task.done():
        task.cancel()
    elif task.cancelled() or task.exception() is not None:
        log.warning("broker.not_ended_cleanly")


def _message(record: ConsumerRecord) -> Message:
    return Message(
        topic=record.topic,
        key=(record.key or b"").decode(errors="replace"),
        value=record.value or b"",
        headers={name: value.decode(errors="replace") for name, value in record.headers},
        partition=record.partition,
        offset=record.offset,
    )


def _lost(error: BaseException) -> Unavailable:
    log.warning("broker.failed", error=repr(error))
    return Unavailable("The job queue is not answering. Nothing was lost.", retry_after=5)
