"""Takes job messages from Kafka and does the jobs.

The offset is committed as soon as a message was read: a job whose worker dies is open in Postgres, and its
message is sent again when its lease has run out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from core.broker import Consumer, Message
from core.errors import BudgetExhausted, HeadraceError, Invalid
from core.log import get_logger
from core.tasks import end_task
from core.telemetry import context_from, tracer
from gateway.jobs import messages
from gateway.jobs.handler import Handler
from gateway.jobs.repository import JobRepository
from gateway.jobs.tables import JobRow
from gateway.metrics import JOBS

log = get_logger(__name__)

AT_ONCE = 4
MOST_ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
RECONNECT_SECONDS = 1.0
TOPIC_CHECK_SECONDS = 5.0
DRAIN_SECONDS = 15.0

MakeConsumer = Callable[[], Consumer]
# Makes the topic if it is missing, and says whether it was.
EnsureTopic = Callable[[], Awaitable[bool]]


class JobConsumer:
    """Reads, claims and runs jobs, a few at a time.

    Args:
        deadline: seconds one attempt may take; shorter than the lease of a claim.
        told: called with every job whose state became another; must not fail.
    """

    def __init__(
        self,
        repository: JobRepository,
        handlers: Mapping[str, Handler],
        make_consumer: MakeConsumer,
        ensure_topic: EnsureTopic,
        *,
        deadline: float,
        told: Callable[[JobRow], Awaitable[None]],
    ) -> None:
        self._repository = repository
        self._handlers = handlers
        self._make_consumer = make_consumer
        self._ensure_topic = ensure_topic
        self._deadline = deadline
        self._told = told
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._jobs: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="job-consumer")

    async def stop(self) -> None:
        """Take no more, let running jobs finish within a bounded time."""
        if self._task is not None:
            await end_task(self._task)
            self._task = None
        if self._jobs:
            _, late = await asyncio.wait(self._jobs, timeout=DRAIN_SECONDS)
            for job in late:
                job.cancel()
            if late:
                await asyncio.wait(late, timeout=2)

    async def _run(self) -> None:
        while True:
            consumer = self._make_consumer()
            try:
                await self._ensure_topic()
                await consumer.start()
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(self._read(consumer))
                    group.create_task(self._watch_topic(reading))
            except* HeadraceError as errors:
                log.warning("jobs.broker_lost", error=str(errors.exceptions[0]))
            except* Exception:
                # Whatever it was, the next round is tried.
                log.exception("jobs.consumer_crashed")
            finally:
                await consumer.stop()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _read(self, consumer: Consumer) -> None:
        async for message in consumer.messages():
            await self._slots.acquire()
            job = asyncio.create_task(self._handle(message))
            self._jobs.add(job)
            job.add_done_callback(self._done)
            await consumer.commit(message)

    async def _watch_topic(self, reading: "asyncio.Task[None]") -> None:
        """A broker that keeps nothing comes back empty, and a consumer would wait at an offset that is
        not there any more."""
        while not reading.done():
            await asyncio.sleep(TOPIC_CHECK_SECONDS)
            if await self._ensure_topic():
                log.info("jobs.topic_made_anew")
                raise _TopicForgotten("The job topic was made anew.")

    def _done(self, job: "asyncio.Task[None]") -> None:
        self._jobs.discard(job)
        self._slots.release()

    async def _handle(self, message: Message) -> None:
        try:
            wanted = messages.read(message)
        except Invalid as error:
            # Nothing in Postgres belongs to it, so nothing is lost by leaving it.
            log.error("jobs.unreadable_message", offset=message.offset, error=error.detail)
            JOBS.labels("unknown", "unreadable").inc()
            return
        try:
            job = await self._repository.claim(wanted.job_id)
            if job is None:
                return
            await self._told(job)
            try:
                await self._attempt(job)
            finally:
                await self._told(job)
        except HeadraceError as error:
            # The job stays open; its message comes again.
            log.warning("jobs.interrupted", job_id=wanted.job_id, error=error.detail)

    async def _attempt(self, job: JobRow) -> None:
        handler = self._handlers.get(job.kind)
        last = job.attempts >= MOST_ATTEMPTS
        with tracer(__name__).start_as_current_span(f"job {job.kind}", context=context_from(job.traceparent)):
            try:
                if handler is None:
                    raise Invalid(f"Nobody here does jobs of the kind {job.kind!r}.")
                async with asyncio.timeout(self._deadline):
                    await handler.run(job)
                JOBS.labels(job.kind, "succeeded").inc()
                return
            except BudgetExhausted:
                # Until midnight, or longer: whoever still wants it then asks again.
                last, reason = True, "The budget of tokens has too little left for it."
            except HeadraceError as error:
                reason = error.detail
            except TimeoutError:
                reason = f"It took longer than {self._deadline:.0f} seconds."
            except Exception as error:
                log.exception("jobs.crashed", job_id=job.id, kind=job.kind)
                reason = f"It failed unexpectedly: {type(error).__name__}."
        if last and handler is not None:
            JOBS.labels(job.kind, "failed").inc()
            await handler.give_up(job, reason)
            return
        JOBS.labels(job.kind, "postponed").inc()
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (job.attempts - 1), LONGEST_PAUSE_SECONDS)
        log.warning("jobs.postponed", job_id=job.id, kind=job.kind, attempt=job.attempts, error=reason)
        await self._repository.postpone(job, seconds=pause, error=reason)


class _TopicForgotten(HeadraceError):
    code = "topic_forgotten"
    retry = True
