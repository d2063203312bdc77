"""Jobs of a kind of their own, in the database of the run, and workers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.ids import new_id
from core.postgres import Postgres
from core.settings import Settings
from gateway.inference import Inference
from gateway.jobs import consumer, outbox
from gateway.jobs.repository import JobRepository
from gateway.worker import Worker
from tests.gateway.client import Gateway, Person

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Jobs:
    """Enqueues jobs for one person, and looks at them."""

    def __init__(self, postgres: Postgres, person: Person, *, lease_seconds: float = 60) -> None:
        self.postgres = postgres
        self.person = person
        self.topic = new_id("top")
        self.repository = JobRepository(postgres, topic=self.topic, lease_seconds=lease_seconds)

    async def add(self, kind: str = "test", key: str | None = None, **payload: Any) -> str:
        async with self.postgres.transaction() as connection:
            job_id = await self.repository.enqueue(
                connection,
                kind=kind,
                user_id=self.person.id,
                idempotency_key=key or new_id("key"),
                payload=payload,
                traceparent=TRACE,
            )
        assert job_id is not None
        return job_id

    async def get(self, job_id: str) -> Mapping[str, Any]:
        row = await self.postgres.fetchrow("SELECT * FROM jobs WHERE id = $1", job_id)
        assert row is not None
        return dict(row)

    async def messages(self) -> list[Mapping[str, Any]]:
        """What stands in the outbox for this topic."""
        rows = await self.postgres.fetch("SELECT * FROM outbox WHERE topic = $1 ORDER BY id", self.topic)
        return [dict(row) for row in rows]


@pytest.fixture
def jobs(database: Postgres, person: Person) -> Jobs:
    return Jobs(database, person)


@asynccontextmanager
async def working(gateway: Gateway, settings: Settings, inference: Inference) -> AsyncIterator[None]:
    """A worker with an engine of its own, and no patience."""
    patience = pytest.MonkeyPatch()
    for module, name, seconds in [
        (consumer, "FIRST_PAUSE_SECONDS", 0.02),
        (consumer, "TOPIC_CHECK_SECONDS", 0.5),
        (consumer, "RECONNECT_SECONDS", 0.1),
        (outbox, "SILENT_SECONDS", 1.0),
        (outbox, "HOUSEKEEPING_SECONDS", 0.1),
        (outbox, "IDLE_SECONDS", 0.02),
    ]:
        patience.setattr(module, name, seconds)
    # What other tests have left to do is none of ours.
    await gateway.house.postgres.execute("UPDATE jobs SET state = 'failed' WHERE state <> 'succeeded'")
    await gateway.house.postgres.execute("DELETE FROM outbox")
    stop = asyncio.Event()
    running = asyncio.create_task(Worker(settings, inference=inference).run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 40)
        patience.undo()
