"""What a person has used is locked last, so that two transactions never wait for each other in a circle."""

import asyncio

import asyncpg
import pytest

from core.postgres import Postgres
from core.settings import Settings
from tests.gateway.client import Gateway, Person


@pytest.fixture
async def rival(settings: Settings, person: Person) -> asyncpg.Connection:
    """Another transaction of the person, which holds what they have used."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute("BEGIN")
    await connection.execute("SET LOCAL lock_timeout = '500ms'")
    yield connection
    await connection.close()


async def hold(rival: asyncpg.Connection, person: Person) -> None:
    assert await rival.fetch("SELECT 1 FROM usage_periods WHERE subject = $1 FOR UPDATE", person.id)


async def waiting(database: Postgres) -> None:
    """Until some transaction waits for a lock on usage_periods."""
    async with asyncio.timeout(20):
        while True:
            if await database.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND query ILIKE '%usage_periods%' AND datname = current_database()"
            ):
                return
            await asyncio.sleep(0.02)


async def test_a_turn_that_begins_has_its_conversation_before_it_asks_for_the_budget(
    gateway: Gateway, person: Person, database: Postgres, rival: asyncpg.Connection
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "first")
    await hold(rival, person)
    second = asyncio.create_task(person.ask(conversation, "second"))
    await waiting(database)
    with pytest.raises(asyncpg.LockNotAvailableError):
        await rival.execute("UPDATE conversations SET title = 'x' WHERE id = $1", conversation)
    await rival.execute("ROLLBACK")
    assert (await asyncio.wait_for(second, 20))[-1][1] == "turn.completed"


async def test_a_turn_that_is_settled_has_left_its_jobs_before_it_counts_what_was_used(
    gateway: Gateway, person: Person, database: Postgres, rival: asyncpg.Connection
) -> None:
    await person.ask(await person.conversation(), "so that there is a row")
    conversation = await person.conversation()
    gateway.engine.say("slowly", "said", pause=0.5)
    turn = await person.begin(conversation)
    await hold(rival, person)
    await waiting(database)
    with pytest.raises(asyncpg.LockNotAvailableError):
        await rival.execute(
            "INSERT INTO jobs (id, kind, user_id, idempotency_key, payload, traceparent) "
            "VALUES ('job_rival', 'title', $1, $2, '{}', '')",
            person.id,
            f"title:{conversation}",
        )
    await rival.execute("ROLLBACK")
    assert b"turn.completed" in await asyncio.wait_for(person.follow(turn), 20)
