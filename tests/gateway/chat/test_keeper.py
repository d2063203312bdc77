"""A turn whose runner is gone ends as failed, with what it had written; a living one is left alone."""

from copy import copy

import pytest

from core.ids import new_id
from core.postgres import Postgres
from gateway.chat.keeper import TurnKeeper
from gateway.chat.log_store import LogStore
from gateway.chat.repository import LEASE_SECONDS, Checkpoint
from gateway.chat.tables import TurnRow, TurnStart
from tests.gateway.client import MODEL, Gateway, Person, events_of, text_of


async def orphan(gateway: Gateway, person: Person, *pieces: str) -> tuple[TurnStart, str]:
    """A running turn with this text at its last checkpoint, and its runner, which holds a lease for now."""
    turn = TurnStart(
        id=new_id("trn"),
        user_id=person.id,
        conversation_id=await person.conversation(),
        user_message_id=new_id("msg"),
        answer_id=new_id("msg"),
        model=MODEL,
        revision="r1",
        trimmed_messages=0,
        summarised_messages=0,
        parameters={},
        traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    )
    runner = new_id("run")
    await lease(gateway.house.postgres, runner, 60)
    rows = gateway.house.keeper._repository
    await rows.begin(turn, parent_id=None, content="Are you there?", model=MODEL, runner=runner, tokens=100)
    text, ends = "", []
    for piece in pieces:
        text += piece
        ends.append(len(text))
    await rows.checkpoint([Checkpoint(turn.id, turn.answer_id, 1, text, ends)])
    return turn, runner


async def lease(database: Postgres, runner: str, seconds: float) -> None:
    """Let a runner's lease end that many seconds from now."""
    await database.execute(
        "INSERT INTO runners (id, lease_until) VALUES ($1, now() + make_interval(secs => $2)) "
        "ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
        runner,
        seconds,
    )


async def test_an_abandoned_turn_ends_as_failed_with_its_checkpointed_text(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    turn, runner = await orphan(gateway, person, "half ", "an answer 🦦")
    await lease(database, runner, -1)
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
    gateway: Gateway, another_gateway: Gateway, person: Person
) -> None:
    turn, runner = await orphan(gateway, person)
    await gateway.house.keeper._repository.retire(runner)
    elsewhere = person.at(another_gateway)
    await another_gateway.house.keeper.step()
    assert events_of(await elsewhere.follow(turn.id))[-1][1] == "turn.failed"
    await elsewhere.close()


async def test_a_turn_whose_runner_has_a_lease_is_left_alone(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    turn, runner = await orphan(gateway, person, "still ")
    await gateway.house.keeper.step()
    assert await database.fetchval("SELECT status FROM turns WHERE id = $1", turn.id) == "running"
    await lease(database, runner, -1)
    await gateway.house.keeper.step()
    assert events_of(await person.follow(turn.id))[-1][1] == "turn.failed"


async def test_after_an_outage_leases_count_only_when_one_could_have_been_renewed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = gateway.house
    repository = copy(house.keeper._repository)
    looked = []

    async def abandoned() -> list[TurnRow]:
        looked.append(True)
        return []

    monkeypatch.setattr(repository, "abandoned", abandoned)
    store = LogStore(house.keyvalue)
    keeper = TurnKeeper(house.runner, repository, store, house.routes, house.bus)
    await keeper.step()
    await keeper.step()
    assert looked == []
    assert keeper._trusted_since is not None
    keeper._trusted_since -= LEASE_SECONDS
    await keeper.step()
    assert looked == [True]


async def test_the_lease_is_renewed_and_the_text_of_running_turns_kept(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 500, pause=0.02)
    turn = await person.begin(conversation)
    await person.begun_to_write(turn)
    keeper = gateway.house.keeper
    await lease(database, gateway.house.runner.name, 1000)
    keeper._checkpoint_at = 0
    await keeper.step()
    row = await database.fetchrow(
        "SELECT t.status, r.lease_until <= now() + make_interval(secs => $2) AS renewed "
        "FROM turns t JOIN runners r ON r.id = t.runner "
        "WHERE t.id = $1",
        turn,
        LEASE_SECONDS,
    )
    assert row is not None
    assert (row["status"], row["renewed"]) == ("running", True)
    assert (await person.messages(conversation))[-1]["content"].startswith("word ")
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)
