"""What a prompt is made of: the way from a message to the root, whatever else the conversation holds."""

from collections.abc import Sequence

import pytest

from core.ids import new_id
from core.postgres import Postgres
from gateway.conversations.history import FIGURES_DEPTH, HistoryRepository
from gateway.conversations.messages import MessageRepository
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
