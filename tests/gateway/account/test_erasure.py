"""An erased account takes everything of its person's with it, and leaves the books as they were."""

import asyncio

import pytest

from core.postgres import Postgres
from tests.gateway.client import Gateway, until
from tests.gateway.openai_api.conftest import Api
from tests.gateway.openai_api.conftest import api as api
from tests.gateway.openai_api.test_relay import ANSWER

USED = "SELECT sum(prompt_tokens + completion_tokens) FROM ledger_entries"


@pytest.fixture
async def tables(database: Postgres) -> list[str]:
    """Every table that says whose its rows are."""
    rows = await database.fetch(
        "SELECT table_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name = 'user_id' ORDER BY 1"
    )
    return [row["table_name"] for row in rows]


async def over(database: Postgres, user_id: str) -> None:
    """The time of grace is over."""
    await database.execute("UPDATE users SET delete_at = now() - interval '1 second' WHERE id = $1", user_id)


async def test_everything_goes_but_what_was_used(
    gateway: Gateway, api: Api, database: Postgres, tables: list[str]
) -> None:
    person = api.person
    conversation = await person.conversation()
    turn = await person.begin(conversation)
    await person.follow(turn)
    await person.call("POST", "/api/prompts", json={"name": "p", "template": "x"})
    await person.call("POST", f"/api/conversations/{conversation}/share")
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    await api.booked(database)
    await until(lambda: not gateway.house.booking._waiting)
    used = await database.fetchval(USED)
    key_id = await database.fetchval("SELECT id FROM api_keys WHERE user_id = $1", person.id)
    await over(database, person.id)
    await gateway.house.erasure.step()
    assert await database.fetchval("SELECT count(*) FROM users WHERE id = $1", person.id) == 0
    assert "sessions" in tables
    for table in tables:
        left = await database.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", person.id)  # noqa: S608
        assert left == 0, table
    assert (
        await database.fetchval("SELECT count(*) FROM messages WHERE conversation_id = $1", conversation) == 0
    )
    assert (
        await database.fetchval(
            "SELECT count(*) FROM usage_periods WHERE subject = ANY($1::text[])", [person.id, key_id]
        )
        == 0
    )
    # The ledger says as much as before.
    assert (
        await database.fetchval("SELECT sum(prompt_tokens + completion_tokens) FROM ledger_entries") == used
    )
    entry = await database.fetchrow("SELECT user_id, key_id FROM ledger_entries WHERE reference = $1", turn)
    assert entry is not None
    assert (entry["user_id"], entry["key_id"]) == (None, None)


async def test_an_answer_that_is_being_written_comes_to_its_end_first(
    gateway: Gateway, database: Postgres
) -> None:
    person = await gateway.person()
    conversation = await person.conversation()
    gateway.engine.say("slowly", "written", pause=0.3)
    turn = await person.begin(conversation)
    await over(database, person.id)
    await gateway.house.erasure.step()
    assert await database.fetchval("SELECT status FROM turns WHERE id = $1", turn) == "running"

    async with asyncio.timeout(20):
        while await database.fetchval("SELECT count(*) FROM users WHERE id = $1", person.id):
            await gateway.house.erasure.step()
            await asyncio.sleep(0.05)
    assert await database.fetchval("SELECT count(*) FROM turns WHERE id = $1", turn) == 0
    entry = await database.fetchrow("SELECT state, user_id FROM ledger_entries WHERE reference = $1", turn)
    assert entry is not None
    assert (entry["state"], entry["user_id"]) == ("settled", None)
    await person.close()


async def test_what_an_erased_persons_request_used_is_booked_when_it_comes(
    gateway: Gateway, api: Api, database: Postgres
) -> None:
    api.gateway.engine.refuse(200, ANSWER)
    await api.chat()
    # Before the queue wrote it down.
    await over(database, api.person.id)
    (waiting,) = [entry for entry in gateway.house.booking._waiting if entry.user_id == api.person.id]
    await gateway.house.erasure.step()
    await gateway.house.booking.flush()
    row = await database.fetchrow("SELECT * FROM ledger_entries WHERE reference = $1", waiting.reference)
    assert row is not None
    assert (row["user_id"], row["prompt_tokens"] + row["completion_tokens"]) == (None, 14)
