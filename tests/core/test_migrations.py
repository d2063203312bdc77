"""The schema's history: what was stored before a change is there, and usable, after it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command

from cluster.local.infrastructure import EmbeddedInfrastructure
from core.migrations import configuration, upgrade

OLD = """
INSERT INTO users (id, email, email_normalised, name) VALUES ('usr_ada00001', 'a', 'a', 'Ada');
INSERT INTO conversations (id, user_id, title, deleted_at) VALUES
    ('cnv_1', 'usr_ada00001', 'About otters', NULL), ('cnv_2', 'usr_ada00001', NULL, now());
INSERT INTO messages (id, conversation_id, parent_id, depth, role, content, status) VALUES
    ('msg_1', 'cnv_1', NULL, 0, 'user', 'Where do otters live?', 'complete'),
    ('msg_2', 'cnv_1', 'msg_1', 1, 'assistant', '', 'failed'),
    ('msg_3', 'cnv_1', 'msg_1', 1, 'assistant', 'In rivers', 'streaming'),
    ('msg_4', 'cnv_2', NULL, 0, 'user', 'Hidden otters', 'complete');
"""


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, because the others' tables are not to be touched."""
    directory: Path = tmp_path_factory.mktemp("migrations")
    with EmbeddedInfrastructure(directory, servers=("postgres",)) as servers:
        yield servers.database_url


async def test_conversations_of_the_first_schema_can_be_searched_after_the_upgrade(
    empty_database: str,
) -> None:
    await asyncio.to_thread(command.upgrade, configuration(empty_database), "0001")
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute(OLD)
        await asyncio.to_thread(upgrade, empty_database)
        rows = await connection.fetch(
            "SELECT message_id, words::text AS words FROM search_entries ORDER BY message_id NULLS FIRST"
        )
        assert [row["message_id"] for row in rows] == [None, "msg_1", "msg_4"]
        assert "'ada00001nameotters':2A" in rows[0]["words"]
        assert "'ada000010000otters':3" in rows[1]["words"]
        assert await connection.fetchval("SELECT messages FROM search_owners") == 2
        kept = await connection.fetchrow("SELECT pinned, archived, parameters FROM conversations LIMIT 1")
        assert kept is not None
        assert tuple(kept) == (False, False, "{}")
    finally:
        await connection.close()


async def test_the_way_back_to_the_first_schema_and_forth_again_loses_no_message(empty_database: str) -> None:
    await asyncio.to_thread(upgrade, empty_database)
    connection = await asyncpg.connect(empty_database)
    try:
        before = await connection.fetchval("SELECT count(*) FROM messages")
        entries = await connection.fetchval("SELECT count(*) FROM search_entries")
        await asyncio.to_thread(command.downgrade, configuration(empty_database), "0001")
        await asyncio.to_thread(upgrade, empty_database)
        assert await connection.fetchval("SELECT count(*) FROM messages") == before
        assert await connection.fetchval("SELECT count(*) FROM search_entries") == entries
    finally:
        await connection.close()
