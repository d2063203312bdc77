"""The queries that grow with the tables have an index to go by."""

from typing import Any

import orjson
import pytest

from core.postgres import Postgres
from gateway.conversations import history, messages, repository
from gateway.conversations.search import repository as search
from tests.gateway.client import Person

USER = "usr_" + "0" * 32
CONVERSATION = "cnv_" + "0" * 32
MESSAGE = "msg_" + "0" * 32

PAGE = repository._CONVERSATION + (
    "WHERE c.user_id = $1 AND c.archived = $2 AND c.deleted_at IS NULL "
    "ORDER BY c.pinned DESC, c.updated_at DESC, c.id DESC LIMIT 50"
)


def scans(plan: dict[str, Any]) -> list[str]:
    """Kind and table of every scan that reads a whole table."""
    found = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else []
    for part in plan.get("Plans", []):
        found += scans(part)
    return found


class RolledBack(Exception):
    """Nothing of what a test put in is to stay."""


@pytest.mark.parametrize(
    ("query", "args", "index"),
    [
        (PAGE, (USER, False), "conversations_of_user"),
        (messages._PATH, (MESSAGE, 100), "messages_pkey"),
        (history._VISIBLE, (CONVERSATION, 100), "messages_of_conversation"),
        (history._ABOVE, (CONVERSATION, 100, MESSAGE), "messages_of_conversation"),
        (history._VISIBLE, (CONVERSATION, 100), "turns_pkey"),
        (history._CLIMB, (MESSAGE, CONVERSATION, 100, 5), "messages_pkey"),
        (messages._PATH_IDS, (MESSAGE, 100), "messages_pkey"),
        (messages._TREE, (CONVERSATION, 0, MESSAGE, 50), "messages_of_conversation"),
        (messages._SIBLINGS, (CONVERSATION, [MESSAGE], [MESSAGE], True), "messages_children"),
        (messages._NEWEST_LEAF, (CONVERSATION, MESSAGE), "messages_children"),
        (search._MESSAGES, ([MESSAGE],), "search_entries_message_id_key"),
        (
            "SELECT id FROM conversations WHERE deleted_at < now() - make_interval(days => $1) "
            "ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            (30, 20),
            "conversations_deleted",
        ),
        ("DELETE FROM turns WHERE conversation_id = $1", (CONVERSATION,), "turns_of_conversation"),
        ("DELETE FROM turns WHERE user_message_id = $1", (MESSAGE,), "turns_of_user_message"),
        ("DELETE FROM turns WHERE answer_message_id = $1", (MESSAGE,), "turns_of_answer"),
        ("DELETE FROM search_entries WHERE conversation_id = $1", (CONVERSATION,), "search_entries"),
        ("SELECT * FROM shares WHERE token_hash = $1", (b"x",), "shares_token_hash_key"),
        ("SELECT * FROM prompts WHERE scope = 'everyone' OR user_id = $1", (USER,), "prompts_of_user"),
    ],
)
async def test_no_query_reads_a_whole_table(
    database: Postgres, query: str, args: tuple[object, ...], index: str
) -> None:
    async with database.transaction() as connection:
        # These tables are small here: without this, reading them whole would be the best plan.
        await connection.execute("SET LOCAL enable_seqscan = off")
        (plan,) = await connection.fetchval("EXPLAIN (FORMAT JSON) " + query, *args)
    assert scans(plan["Plan"]) == []
    assert index in orjson.dumps(plan).decode()


async def test_a_search_goes_by_the_words(database: Postgres, person: Person) -> None:
    conversation = await person.conversation()
    with pytest.raises(RolledBack):
        async with database.transaction() as connection:
            # With few entries, going through them from the newest on would be the best plan.
            await connection.execute(
                "INSERT INTO search_entries (user_id, conversation_id, message_id, created_at, words) "
                "SELECT 'usr_plan_' || n % 500, $1, 'msg_plan_' || n, now(), "
                "to_tsvector('simple', 'word' || n || ' word' || n % 997) FROM generate_series(1, 20000) n",
                conversation,
            )
            await connection.execute("ANALYZE search_entries")
            (plan,) = await connection.fetchval(
                "EXPLAIN (FORMAT JSON) " + search._SEARCH, USER, "'~otter':*", None, None, 20
            )
            raise RolledBack
    assert "search_entries" not in scans(plan["Plan"])
    assert orjson.dumps(plan).count(b"search_entries_words") == 2


async def test_a_search_leaves_out_what_was_deleted_by_the_index_of_its_person(
    database: Postgres, person: Person, stranger: Person
) -> None:
    with pytest.raises(RolledBack):
        async with database.transaction() as connection:
            # With a few deleted ones in all, going through everybody's would be as good a plan.
            await connection.execute(
                "INSERT INTO conversations (id, user_id, deleted_at) "
                "SELECT 'cnv_plan_' || n, CASE n % 100 WHEN 0 THEN $1 ELSE $2 END, now() "
                "FROM generate_series(1, 20000) n",
                person.id,
                stranger.id,
            )
            await connection.execute("ANALYZE conversations")
            await connection.execute("SET LOCAL enable_seqscan = off")
            (plan,) = await connection.fetchval(
                "EXPLAIN (FORMAT JSON) " + search._SEARCH, person.id, "'~otter':*", None, None, 20
            )
            raise RolledBack
    assert scans(plan["Plan"]) == []
    assert b"conversations_deleted_of_user" in orjson.dumps(plan)
