"""A broker inside the process, for tests that need no network. It keeps what core/broker.py promises."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from zlib import crc32

from core.broker import Message
from core.errors import Unavailable

POLL_SECONDS = 0.02


class FakeBroker:
    """Topics in memory.

    Attributes:
        away: as if nobody answered.
    """

    def __init__(self) -> None:
        self.away = False
        self.topics: dict[str, list[list[Message]]] = {}
        self.committed: dict[tuple[str, str, int], int] = {}

    async def ensure_topics(self, topics: Mapping[str, int]) -> Sequence[str]:
        """Create what is missing; returns the names it created. Raises core.errors.Unavailable."""
        self.answer()
        missing = [name for name in topics if name not in self.topics]
        for name in missing:
            self.topics[name] = [[] for _ in range(topics[name])]
        return missing

    def forget(self) -> None:
        """Lose everything, as a broker that keeps nothing on disk does when it is restarted."""
        self.topics.clear()
        self.committed.clear()

    def append(self, message: Message) -> None:
        """Put a message at the end of the partition that its key belongs to."""
        partitions = self.topics.setdefault(message.topic, [[]])
        number = crc32(message.key.encode()) % len(partitions)
        log = partitions[number]
        log.append(replace(message, partition=number, offset=len(log)))

    def answer(self) -> None:
        """Raises core.errors.Unavailable while `away`."""
        if self.away:
            raise Unavailable("The job queue is not answering. Nothing was lost.", retry_after=5)


class FakeProducer:
    """Implements core.broker.Producer."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self._started = False

    async def start(self) -> None:
        self._broker.answer()
        self._started = True

    async def stop(self) -> None:
        self._started = False

    async def send(self, messages: Sequence[Message]) -> None:
        if not self._started:
            raise Unavailable("The job queue is not connected.")
        self._broker.answer()
        for message in messages:
            self._broker.append(message)


class FakeConsumer:
    """Implements core.broker.Consumer, for groups of one member: it is given every partition."""

    def __init__(self, broker: FakeBroker, *, group: str, topics: Sequence[str]) -> None:
        self._broker = broker
        self._group = group
        self._topics = topics
        self._started = False

    async def start(self) -> None:
        self._broker.answer()
        self._started = True

    async def stop(self) -> None:
        self._started = False

    async def messages(self) -> AsyncIterator[Message]:
        seen: dict[tuple[str, int], int] = {}
        while self._open():
            self._broker.answer()
            waiting = [
                message
                for topic in self._topics
                for number, log in enumerate(self._broker.topics.get(topic, []))
                for message in log[self._position(seen, topic, number) :]
            ]
            for message in waiting:
                if not self._open():
                    return
                seen[message.topic, message.partition] = message.offset + 1
                yield message
            if not waiting:
                await asyncio.sleep(POLL_SECONDS)

    async def commit(self, message: Message) -> None:
        if not self._started:
            raise Unavailable("The job queue is not connected.")
        self._broker.answer()
        self._broker.committed[self._group, message.topic, message.partition] = message.offset + 1

    def _open(self) -> bool:
        return self._started

    def _position(self, seen: Mapping[tuple[str, int], int], topic: str, number: int) -> int:
        return seen.get((topic, number), self._broker.committed.get((self._group, topic, number), 0))
