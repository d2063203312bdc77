"""A turn whose runner is gone ends as failed, with what it had written; a living one is left alone."""

from core.ids import new_id
from core.postgres import Postgres
from gateway.chat.repository import Checkpoint
from gateway.chat.tables import TurnStart
from tests.gateway.client import MODEL, Gateway, Person, events_of, text_of


async def orphan(gateway: Gateway, person: Person, *pieces: str) -> TurnStart:
    """A running turn of a process that is gone, with this text at its last checkpoint."""
    turn = TurnStart(
        id=new_id("trn"),
        user_id=person.id,
        conversation_id=await person.conversation(),
        user_message_id=new_id("msg"),
        answer_id=new_id("msg"),
        model=MODEL,
        revision="r1",
        trimmed_messages=0,
        parameters={},
        traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    )
    rows = gateway.house.keeper._repository
    await rows.begin(turn, parent_id=None, content="Are you there?", runner="run_gone", tokens=100)
    text, ends = "", []
    for piece in pieces:
        text += piece
        ends.append(len(text))
    await rows.checkpoint([Checkpoint(turn.id, turn.answer_id, text, ends)])
    return turn


async def test_an_abandoned_turn_ends_as_failed_with_its_checkpointed_text(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    turn = await orphan(gateway, person, "half ", "an answer 🦦")
    await database.execute("UPDATE turns SET lease_until = now() - interval '1 s' WHERE id = $1", turn.id)
    await gateway.house.keeper.step()
    events = events_of(await person.follow(turn.id))
    assert [kind for _, kind, _ in events] == ["turn.started", "delta", "delta", "usage", "turn.failed"]
    assert (events[-1][2]["reason"], events[-1][2]["retry"]) == ("runner_lost", True)
    assert text_of(events) == "half an answer 🦦"
    answer = (await person.messages(turn.conversation_id))[-1]
    assert (answer["status"], answer["content"]) == ("failed", "half an answer 🦦")
    entry = await database.fetchrow("SELECT * FROM ledger_entries WHERE reference = $1", turn.id)
    assert entry is not None
    assert (entry["state"], entry["outcome"], entry["completion_tokens"], entry["exact"]) == (
        "settled",
        "failed",
        2,
        False,
    )


async def test_a_follower_in_another_process_learns_of_the_end(
    gateway: Gateway, another_gateway: Gateway, person: Person, database: Postgres
) -> None:
    turn = await orphan(gateway, person)
    await database.execute("UPDATE turns SET lease_until = now() - interval '1 s' WHERE id = $1", turn.id)
    elsewhere = person.at(another_gateway)
    await another_gateway.house.keeper.step()
    assert events_of(await elsewhere.follow(turn.id))[-1][1] == "turn.failed"
    await elsewhere.close()


async def test_a_turn_whose_lease_holds_is_left_alone(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    turn = await orphan(gateway, person, "still ")
    await gateway.house.keeper.step()
    assert await database.fetchval("SELECT status FROM turns WHERE id = $1", turn.id) == "running"
    await database.execute("UPDATE turns SET lease_until = now() - interval '1 s' WHERE id = $1", turn.id)
    await gateway.house.keeper.step()
    assert await database.fetchval("SELECT status FROM turns WHERE id = $1", turn.id) == "failed"


async def test_the_lease_of_a_running_turn_is_renewed_and_its_text_kept(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    turn = await person.begin(conversation)
    await person.begun_to_write(turn)
    await database.execute("UPDATE turns SET lease_until = now() - interval '1 s' WHERE id = $1", turn)
    await gateway.house.keeper.step()
    row = await database.fetchrow("SELECT status, lease_until > now() AS held FROM turns WHERE id = $1", turn)
    assert row is not None
    assert (row["status"], row["held"]) == ("running", True)
    assert (await person.messages(conversation))[-1]["content"].startswith("word ")
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)


async def test_a_runner_that_was_believed_dead_tells_the_end_that_is_stored(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 40, pause=0.02)
    turn = await person.begin(conversation)
    await person.begun_to_write(turn)
    (row,) = [
        row
        for row in [await gateway.house.keeper._repository.stored(turn)]
        if row is not None and not row.status.terminal
    ]
    await gateway.house.keeper._end(row)
    events = events_of(await person.follow(turn))
    assert (events[-1][1], events[-1][2]["reason"]) == ("turn.failed", "runner_lost")
    assert await database.fetchval("SELECT status FROM turns WHERE id = $1", turn) == "failed"
    entries = await database.fetch("SELECT outcome FROM ledger_entries WHERE reference = $1", turn)
    assert [entry["outcome"] for entry in entries] == ["failed"]
