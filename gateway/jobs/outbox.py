"""Carries what transactions left in the outbox to Kafka, at least once and in order."""

import asyncio

import orjson

from core.broker import Message, Producer
from core.errors import HeadraceError
from core.log import get_logger
from core.postgres import Postgres
from core.tasks import end_task
from gateway.jobs.repository import JobRepository
from gateway.metrics import OUTBOX_SENT

log = get_logger(__name__)

BATCH = 200
IDLE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
# An open job that nobody claimed this long after its message: the broker may have forgotten it.
SILENT_SECONDS = 10.0
KEEP_SENT_SECONDS = 86_400.0
HOUSEKEEPING_SECONDS = 3.0


class OutboxRelay:
    """One loop for sending, one for what was forgotten. Several workers may run both."""

    def __init__(self, postgres: Postgres, repository: JobRepository, producer: Producer) -> None:
        self._postgres = postgres
        self._repository = repository
        self._producer = producer
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._send_all(), name="outbox-send"),
            asyncio.create_task(self._keep_house(), name="outbox-housekeeping"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            await end_task(task)
        self._tasks = []
        await self._producer.stop()

    async def step(self) -> int:
        """Send one batch; returns how many there were. Raises core.errors.Unavailable.

        The rows stay locked until Kafka has them, so two relays never send the same batch, and a crash in
        between sends it again.
        """
        async with self._postgres.transaction() as connection:
            rows = await self._repository.unsent(connection, BATCH)
            if rows:
                await self._producer.send(
                    [
                        Message(
                            topic=row.topic,
                            key=row.key,
                            value=orjson.dumps(row.payload),
                            headers=row.headers,
                        )
                        for row in rows
                    ]
                )
                await self._repository.mark_sent(connection, rows)
        OUTBOX_SENT.inc(len(rows))
        return len(rows)

    async def _send_all(self) -> None:
        pause = IDLE_SECONDS
        connected = False
        while True:
            try:
                if not connected:
                    await self._producer.start()
                    connected = True
                if await self.step() < BATCH:
                    await asyncio.sleep(IDLE_SECONDS)
                pause = IDLE_SECONDS
            except HeadraceError as error:
                log.warning("outbox.send_failed", error=error.detail, retry_in=pause)
                # A producer that lost its broker may never find the new one: begin anew.
                await self._producer.stop()
                connected = False
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except Exception:
                log.exception("outbox.send_crashed")
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            try:
                again = await self._repository.republish(silent_seconds=SILENT_SECONDS)
                if again:
                    log.info("outbox.republished", jobs=again)
                await self._repository.forget_sent(older_than_seconds=KEEP_SENT_SECONDS)
            except HeadraceError as error:
                log.warning("outbox.housekeeping_failed", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("outbox.housekeeping_crashed")
