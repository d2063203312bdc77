"""The consumer: poison blocks nobody, failures come again later, repetition changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable

import orjson
import pytest

from core.broker import Message
from core.broker_fake import FakeBroker, FakeConsumer
from core.errors import EngineFailed
from gateway.jobs import consumer as module
from gateway.jobs.consumer import MOST_ATTEMPTS, JobConsumer
from gateway.jobs.messages import JobMessage, headers_of, payload_of
from gateway.jobs.tables import JobRow
from tests.gateway.client import until
from tests.gateway.jobs.conftest import TRACE, Jobs


class Recorder:
    """A handler that fails as it is told, and says what it did."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.ran: list[str] = []
        self.done: list[str] = []
        self.given_up: list[tuple[str, str]] = []
        self.before: Callable[[JobRow], None] = lambda _: None
        self.wait: asyncio.Event | None = None

    async def run(self, job: JobRow) -> None:
        self.ran.append(job.id)
        self.before(job)
        if self.wait is not None:
            await self.wait.wait()
        async with self._jobs.postgres.transaction() as connection:
            if await self._jobs.repository.finish(connection, job, result={}, error=None):
                self.done.append(job.id)

    async def give_up(self, job: JobRow, reason: str) -> None:
        self.given_up.append((job.id, reason))
        async with self._jobs.postgres.transaction() as connection:
            await self._jobs.repository.finish(connection, job, result=None, error=reason)


class Bench:
    """A consumer on a fake broker."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.broker = FakeBroker()
        self.handler = Recorder(jobs)

        async def ensure() -> bool:
            return bool(await self.broker.ensure_topics({jobs.topic: 2}))

        self.consumer = JobConsumer(
            jobs.repository,
            {"test": self.handler},
            lambda: FakeConsumer(self.broker, group="g", topics=[jobs.topic]),
            ensure,
            deadline=5,
            told=self._told,
        )
        self.told: list[tuple[str, str]] = []

    async def _told(self, job: JobRow) -> None:
        self.told.append((job.id, (await self.jobs.get(job.id))["state"]))

    def tell(self, job_id: str, kind: str = "test") -> None:
        """A message about this job, as the outbox would send it."""
        value = orjson.dumps(payload_of(JobMessage(job_id, kind)))
        self.raw(value, job_id)

    def raw(self, value: bytes, key: str = "k") -> None:
        headers = headers_of(idempotency_key="k", traceparent=TRACE)
        self.broker.append(Message(self.jobs.topic, key, value, headers))


@pytest.fixture
async def bench(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(module, "RECONNECT_SECONDS", 0.02)
    monkeypatch.setattr(module, "TOPIC_CHECK_SECONDS", 0.02)
    made = Bench(jobs)
    await made.consumer.start()
    await until(lambda: jobs.topic in made.broker.topics)
    yield made
    await made.consumer.stop()


async def becomes(bench: Bench, job_id: str, column: str, wanted: str) -> None:
    """Returns when the job's row says this."""
    async with asyncio.timeout(10):
        while True:
            if (await bench.jobs.get(job_id))[column] == wanted:
                return
            await asyncio.sleep(0.01)


async def test_a_job_is_done_and_its_message_does_not_come_again(bench: Bench) -> None:
    job_id = await bench.jobs.add()
    bench.tell(job_id)
    await until(lambda: bench.handler.done == [job_id])
    assert (await bench.jobs.get(job_id))["state"] == "succeeded"
    await until(lambda: bench.told == [(job_id, "running"), (job_id, "succeeded")])
    await until(lambda: sum(bench.broker.committed.values()) == 1)


async def test_the_same_message_many_times_takes_effect_once(bench: Bench) -> None:
    job_id, last = await bench.jobs.add(), await bench.jobs.add()
    for _ in range(20):
        bench.tell(job_id)
    bench.tell(last)
    await until(lambda: last in bench.handler.done and sum(bench.broker.committed.values()) == 21)
    assert bench.handler.ran.count(job_id) == 1
    assert bench.handler.done.count(job_id) == 1


async def test_a_message_that_cannot_be_read_blocks_nobody(bench: Bench) -> None:
    for value in (b"", b"\xff\x00", b"[]", b'{"job_id":"job_x","kind":"test","version":99}'):
        bench.raw(value)
    bench.tell("job_of_nobody")
    job_id = await bench.jobs.add()
    bench.tell(job_id)
    await until(lambda: bench.handler.done == [job_id])


async def test_a_job_that_always_crashes_blocks_nobody(bench: Bench) -> None:
    poison = await bench.jobs.add()

    def crash(job: JobRow) -> None:
        if job.id == poison:
            raise ZeroDivisionError("secret")

    bench.handler.before = crash
    bench.tell(poison)
    others = [await bench.jobs.add() for _ in range(20)]
    for job_id in others:
        bench.tell(job_id)
    await until(lambda: len(bench.handler.done) == 20)
    assert sorted(bench.handler.done) == sorted(others)
    row = await bench.jobs.get(poison)
    assert (row["state"], row["attempts"]) == ("queued", 1)
    assert row["error"] == "It failed unexpectedly: ZeroDivisionError."


async def test_a_failing_job_is_tried_again_and_then_given_up_with_its_reason(bench: Bench) -> None:
    job_id = await bench.jobs.add()

    def fail(_: JobRow) -> None:
        raise EngineFailed("The engine is tired.")

    bench.handler.before = fail
    for attempt in range(1, MOST_ATTEMPTS + 1):
        bench.tell(job_id)
        await until(lambda expected=attempt: len(bench.handler.ran) == expected)  # type: ignore[misc]
        if attempt < MOST_ATTEMPTS:
            await becomes(bench, job_id, "state", "queued")
    await until(lambda: bench.handler.given_up == [(job_id, "The engine is tired.")])
    await becomes(bench, job_id, "state", "failed")
    bench.tell(job_id)
    await until(lambda: sum(bench.broker.committed.values()) == MOST_ATTEMPTS + 1)
    assert len(bench.handler.ran) == MOST_ATTEMPTS


async def test_the_pauses_between_attempts_grow_up_to_a_bound(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def postpone(_: JobRow, *, seconds: float, error: str) -> None:
        assert error
        pauses.append(seconds)

    handler = Recorder(jobs)

    def fail(_: JobRow) -> None:
        raise EngineFailed()

    handler.before = fail
    monkeypatch.setattr(jobs.repository, "postpone", postpone)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 5.0)
    consumer = JobConsumer(
        jobs.repository,
        {"test": handler},
        lambda: FakeConsumer(FakeBroker(), group="g", topics=[]),
        _no,
        deadline=5,
        told=_nobody,
    )
    for attempts in range(1, MOST_ATTEMPTS):
        await consumer._attempt(JobRow("job_1", "test", jobs.person.id, {}, TRACE, attempts, attempts))
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


async def _no() -> bool:
    return False


async def _nobody(_: JobRow) -> None:
    pass


async def test_a_kind_that_nobody_does_here_waits_for_a_worker_that_does(bench: Bench) -> None:
    job_id = await bench.jobs.add(kind="of-the-future")
    bench.tell(job_id, "of-the-future")
    await becomes(bench, job_id, "error", "Nobody here does jobs of the kind 'of-the-future'.")
    assert (await bench.jobs.get(job_id))["state"] == "queued"


async def test_a_job_that_takes_too_long_is_postponed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.consumer, "_deadline", 0.05)
    bench.handler.wait = asyncio.Event()
    job_id = await bench.jobs.add()
    bench.tell(job_id)
    await becomes(bench, job_id, "error", "It took longer than 0 seconds.")


async def test_a_broker_that_was_away_is_joined_again(bench: Bench) -> None:
    bench.broker.away = True
    await asyncio.sleep(0.1)
    bench.broker.away = False
    job_id = await bench.jobs.add()
    bench.tell(job_id)
    await until(lambda: bench.handler.done == [job_id])


async def test_a_broker_that_forgot_everything_gets_its_topic_back(bench: Bench) -> None:
    first = await bench.jobs.add()
    bench.tell(first)
    await until(lambda: bench.handler.done == [first])
    bench.broker.forget()
    await until(lambda: bench.jobs.topic in bench.broker.topics)
    second = await bench.jobs.add()
    bench.tell(second)
    await until(lambda: bench.handler.done == [first, second])


async def test_a_worker_that_stops_finishes_what_it_has_begun(bench: Bench) -> None:
    bench.handler.wait = asyncio.Event()
    job_id = await bench.jobs.add()
    bench.tell(job_id)
    await until(lambda: bench.handler.ran == [job_id])
    stopping = asyncio.create_task(bench.consumer.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    bench.handler.wait.set()
    await stopping
    assert (await bench.jobs.get(job_id))["state"] == "succeeded"
