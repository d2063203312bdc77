"""A deletion can be taken back for 30 days; then nothing is left."""

import pytest

from core.postgres import Postgres
from gateway.conversations import purge
from gateway.conversations.purge import ConversationPurge
from gateway.conversations.repository import ConversationRepository
from tests.gateway.client import Gateway, Person


async def age(database: Postgres, conversation: str, days: float) -> None:
    await database.execute(
        "UPDATE conversations SET deleted_at = now() - make_interval(secs => $2) WHERE id = $1",
        conversation,
        days * 86_400,
    )


async def test_a_restored_conversation_is_as_it_was(person: Person, database: Postgres) -> None:
    conversation = await person.conversation(title="Kept")
    await person.ask(conversation, "Hi")
    before = await person.messages(conversation)
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    await person.call("DELETE", f"/api/conversations/{conversation}")
    await age(database, conversation, 29.9)
    status, restored = await person.call("POST", f"/api/conversations/{conversation}/restore")
    assert (status, restored) == (200, shown)
    assert await person.messages(conversation) == before
    # And once more, as a button that is pressed twice does.
    assert await person.call("POST", f"/api/conversations/{conversation}/restore") == (200, shown)


async def test_what_is_not_kept_any_more_cannot_be_restored(person: Person, database: Postgres) -> None:
    conversation = await person.conversation()
    await person.call("DELETE", f"/api/conversations/{conversation}")
    await age(database, conversation, 30.1)
    status, problem = await person.call("POST", f"/api/conversations/{conversation}/restore")
    assert (status, problem["code"]) == (404, "not_found")


async def test_a_deletion_of_today_is_not_purged(person: Person, database: Postgres) -> None:
    conversation = await person.conversation()
    await person.call("DELETE", f"/api/conversations/{conversation}")
    await ConversationPurge(ConversationRepository(database)).step()
    assert (await person.call("POST", f"/api/conversations/{conversation}/restore"))[0] == 200


async def test_one_round_purges_more_than_one_batch(
    person: Person, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    gone = [await person.conversation() for _ in range(5)]
    for conversation in gone:
        await person.call("DELETE", f"/api/conversations/{conversation}")
        await age(database, conversation, 31)
    assert await ConversationPurge(ConversationRepository(database)).step() >= 5
    left = await database.fetchval("SELECT count(*) FROM conversations WHERE id = ANY($1::text[])", gone)
    assert left == 0


async def test_purging_a_branched_conversation_leaves_nothing_of_it(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "One")
    await person.ask(conversation, "Other", parent_id=None)
    await person.call("POST", f"/api/conversations/{conversation}/share")
    await person.call("DELETE", f"/api/conversations/{conversation}")
    await database.execute(
        "UPDATE conversations SET deleted_at = now() - interval '31 days' WHERE id = $1", conversation
    )
    assert await ConversationPurge(ConversationRepository(database)).step() >= 1
    for table in ("messages", "turns", "search_entries", "shares"):
        count = await database.fetchval(
            f"SELECT count(*) FROM {table} WHERE conversation_id = $1",  # noqa: S608 - names from this test
            conversation,
        )
        assert count == 0, table
