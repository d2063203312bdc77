"""A turn whose model cannot begin is answered by another, and everybody can see by whom."""

import pytest

from core.errors import EngineLost
from core.postgres import Postgres
from gateway.inference.fake import FakeEngineResponse
from tests.gateway.client import MODEL, Gateway, Person, text_of


async def test_a_replica_that_dies_before_the_first_token_is_not_noticed(
    gateway: Gateway, person: Person
) -> None:
    def gone(*_: object) -> FakeEngineResponse:
        raise EngineLost

    gateway.engine.nobody()
    gateway.engine.answers.append(gone)
    gateway.engine.say("Here", " I am")
    events = await person.ask(await person.conversation(), "Still there?")
    assert (text_of(events), events[-1][1]) == ("Here I am", "turn.completed")
    assert len(gateway.engine.asked()) == 3


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_another_model_answers_and_is_named_and_charged(
    gateway: Gateway, person: Person, database: Postgres, spare: str, status: int
) -> None:
    conversation = await person.conversation()
    gateway.engine.refuse(status, b"")
    gateway.engine.say("I", " can")
    events = await person.ask(conversation, "Who can?")
    assert text_of(events) == "I can"
    assert (events[0][2]["model"], events[-2][2]["model"]) == (MODEL, spare)
    answer = (await person.messages(conversation))[-1]
    assert answer["model"] == spare
    entry = await database.fetchrow(
        "SELECT * FROM ledger_entries WHERE reference = $1", events[0][2]["turn_id"]
    )
    assert entry is not None
    assert (entry["model"], entry["state"]) == (spare, "settled")
    # What was live is what is replayed, and the conversation keeps the model that was chosen for it.
    replayed = await person.follow(events[0][2]["turn_id"])
    assert f'"model":"{spare}"'.encode() in replayed
    status, kept = await person.call("GET", f"/api/conversations/{conversation}")
    assert kept["model"] == MODEL
