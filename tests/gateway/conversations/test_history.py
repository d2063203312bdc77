"""What a prompt is made of: the way from a message to the root, whatever else the conversation holds."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.ids import new_id
from core.postgres import Postgres, Record
from gateway.conversations.history import FIGURES_DEPTH, HistoryRepository
from gateway.conversations.messages import MessageRepository
from gateway.conversations.recent_paths import RecentPaths
from gateway.conversations.tables import SaidRow
from tests.gateway.client import Person


async def put(database: Postgres, conversation: str, parent: str | None, depth: int, content: str) -> str:
    """A message of its own; its id."""
    message = new_id("msg")
    await database.execute(
        "INSERT INTO messages (id, conversation_id, parent_id, depth, role, content, status) "
        "VALUES ($1, $2, $3, $4, 'user', $5, 'complete')",
        message,
        conversation,
        parent,
        depth,
        content,
    )
    return message


async def comb(database: Postgres, conversation: str, length: int, branches: int) -> Sequence[str]:
    """A path from the root on, with so many more messages beside each of its messages; the path's ids."""
    path: list[str] = []
    for depth in range(length):
        parent = path[-1] if path else None
        for number in range(branches):
            await put(database, conversation, parent, depth, f"beside {depth} {number}")
        path.append(await put(database, conversation, parent, depth, f"on the way {depth}"))
    return path


@pytest.mark.parametrize("branches", [0, 1, 5, 20])
@pytest.mark.parametrize("limit", [1, 4, 12, 13, 100])
async def test_it_is_the_same_path_as_climbing_finds(
    database: Postgres, person: Person, branches: int, limit: int
) -> None:
    conversation = await person.conversation()
    path = await comb(database, conversation, 12, branches)
    climbed = await MessageRepository(database).path(path[-1], limit)
    said = await HistoryRepository(database).above(conversation, path[-1], limit)
    assert [row.id for row in said] == [row.id for row in climbed] == list(reversed(path))[:limit]
    assert [(row.content, row.depth, row.role) for row in said] == [
        (row.content, row.depth, row.role.value) for row in climbed
    ]


async def test_from_the_middle_it_is_what_is_above(database: Postgres, person: Person) -> None:
    conversation = await person.conversation()
    path = await comb(database, conversation, 6, 2)
    said = await HistoryRepository(database).above(conversation, path[3], 100)
    assert [row.id for row in said] == [path[3], path[2], path[1], path[0]]


async def test_what_is_visible_ends_at_the_head(database: Postgres, person: Person) -> None:
    conversation = await person.conversation()
    history = HistoryRepository(database)
    assert await history.visible(conversation, 100) == []
    path = await comb(database, conversation, 4, 3)
    await database.execute(
        "UPDATE conversations SET head_message_id = $2 WHERE id = $1", conversation, path[2]
    )
    assert [row.id for row in await history.visible(conversation, 100)] == [path[2], path[1], path[0]]


class Counted(Postgres):
    """Notes how many rows each question to the database brought."""

    def __init__(self, database: Postgres) -> None:
        self._database = database
        self.rows: list[int] = []

    async def fetch(self, query: str, *arguments: Any) -> Sequence[Record]:
        rows = await self._database.fetch(query, *arguments)
        self.rows.append(len(rows))
        return rows


async def head(database: Postgres, conversation: str, message: str) -> None:
    await database.execute(
        "UPDATE conversations SET head_message_id = $2 WHERE id = $1", conversation, message
    )


async def test_what_was_read_a_moment_ago_is_not_read_again(database: Postgres, person: Person) -> None:
    conversation = await person.conversation()
    path = list(await comb(database, conversation, 12, 0))
    counted = Counted(database)
    history = HistoryRepository(counted)
    await head(database, conversation, path[-1])
    assert [row.id for row in await history.visible(conversation, 100)] == path[::-1]
    for _ in range(2):
        # Written by whichever process.
        path += [await put(database, conversation, path[-1], len(path), "q")]
        path += [await put(database, conversation, path[-1], len(path), "a")]
        await head(database, conversation, path[-1])
        for limit in (100, 3):
            said = await HistoryRepository(database).visible(conversation, limit)
            assert await history.visible(conversation, 100) == await HistoryRepository(database).visible(
                conversation, 100
            )
            assert [row.id for row in said] == path[::-1][:limit]
    assert counted.rows[:2] == [12, 2]


async def test_a_path_that_is_left_is_read_anew(database: Postgres, person: Person) -> None:
    conversation = await person.conversation()
    path = await comb(database, conversation, 6, 0)
    history = HistoryRepository(database)
    await head(database, conversation, path[-1])
    await history.visible(conversation, 100)
    # Back to an earlier message; then another branch of it, deeper than what was read.
    await head(database, conversation, path[2])
    assert [row.id for row in await history.visible(conversation, 100)] == list(path[2::-1])
    await head(database, conversation, path[-1])
    await history.visible(conversation, 100)
    branch = [path[1]]
    for depth in range(2, 9):
        branch.append(await put(database, conversation, branch[-1], depth, "elsewhere"))
    await head(database, conversation, branch[-1])
    assert [row.id for row in await history.visible(conversation, 100)] == [*branch[::-1], path[0]]


async def test_a_longer_way_than_was_read_is_read(database: Postgres, person: Person) -> None:
    conversation = await person.conversation()
    path = list(await comb(database, conversation, 8, 0))
    history = HistoryRepository(database)
    await head(database, conversation, path[-1])
    assert len(await history.visible(conversation, 3)) == 3
    path.append(await put(database, conversation, path[-1], 8, "new"))
    await head(database, conversation, path[-1])
    assert [row.id for row in await history.visible(conversation, 100)] == path[::-1]


async def test_an_answer_that_is_still_written_is_read_again(database: Postgres, person: Person) -> None:
    conversation = await person.conversation()
    path = await comb(database, conversation, 2, 0)
    history = HistoryRepository(database)
    await head(database, conversation, path[-1])
    await database.execute("UPDATE messages SET status = 'streaming' WHERE id = $1", path[-1])
    await history.visible(conversation, 100)
    await database.execute(
        "UPDATE messages SET status = 'complete', content = 'whole' WHERE id = $1", path[-1]
    )
    said = await history.visible(conversation, 100)
    assert (said[0].status, said[0].content) == ("complete", "whole")


def test_old_paths_are_forgotten_and_large_ones_not_kept() -> None:
    recent = RecentPaths(most=32_000)

    def row(size: int) -> SaidRow:
        return SaidRow("msg", None, 0, "user", "x" * size, "complete", None)

    for number in range(40):
        recent.keep(f"cnv_{number}", [row(500)])
        recent.get("cnv_0")
    kept = [number for number in range(40) if recent.get(f"cnv_{number}")]
    assert kept == [0, *range(9, 40)]
    recent.keep("cnv_0", [row(5_000)])
    assert recent.get("cnv_0") == ()
    recent.forget("cnv_9")
    recent.keep("cnv_40", [row(500)])
    assert recent.get("cnv_10")


async def test_a_message_of_another_conversation_is_not_there(
    database: Postgres, person: Person, stranger: Person
) -> None:
    theirs, mine = await stranger.conversation(), await person.conversation()
    (secret,) = await comb(database, theirs, 1, 0)
    assert await HistoryRepository(database).above(mine, secret, 100) == []


async def test_the_newest_answers_say_what_they_cost_and_old_ones_do_not(
    database: Postgres, person: Person
) -> None:
    conversation = await person.conversation()
    for number in range(FIGURES_DEPTH):
        await person.ask(conversation, f"q{number}")
    said = await HistoryRepository(database).visible(conversation, 100)
    assert [row.role for row in said] == ["assistant", "user"] * FIGURES_DEPTH
    shown = await person.messages(conversation)
    for row, message in zip(said, reversed(shown), strict=True):
        assert (row.id, row.content, row.model) == (message["id"], message["content"], message["model"])
        if row.role == "assistant" and row.depth > said[0].depth - FIGURES_DEPTH:
            assert row.turn_status == "completed"
            assert row.prompt_tokens == message["prompt_tokens"] is not None
            assert row.completion_tokens == message["completion_tokens"]
            assert (row.revision, row.trimmed_messages) == (message["revision"], message["trimmed_messages"])
        else:
            assert row.prompt_tokens is row.turn_status is row.revision is None
