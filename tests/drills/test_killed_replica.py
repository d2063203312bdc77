"""A vLLM replica is killed in the middle of an answer: the answer goes on from its own token ids."""

import asyncio
import json

import jsonschema
import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.follower import Told, begin, follow, person_at
from tests.drills.instance import Instance
from tests.gateway.client import Person

pytestmark = [pytest.mark.vllm, pytest.mark.drill, pytest.mark.timeout(900)]

MODEL = "smollm2-135m"
BODY = {
    "content": "Write a long story about a river and the people who live beside it.",
    "model": MODEL,
    "temperature": 0,
    "max_tokens": 160,
}
SHOWN_BEFORE = 12
TOWN = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Z][a-z]{2,11}$"},
        "river": {"type": "boolean"},
        "people": {"type": "integer", "minimum": 0, "maximum": 99999},
    },
    "required": ["name", "river", "people"],
    "additionalProperties": False,
}
# Short, because a small model likes to fill whatever a grammar leaves open.
SCHEMA = {
    "type": "object",
    "properties": {"towns": {"type": "array", "minItems": 2, "maxItems": 2, "items": TOWN}},
    "required": ["towns"],
    "additionalProperties": False,
}
JSON_BODY = {
    **BODY,
    "content": "Name two towns.",
    "max_tokens": 600,
    "response_format": {"type": "json_schema", "json_schema": {"name": "towns", "schema": SCHEMA}},
}


async def test_a_killed_vllm_replica_costs_no_shown_token_and_is_charged_once(
    instance: Instance, database: Postgres, note: Note, long: bool
) -> None:
    person = await person_at(instance.url)
    equal = 0
    kills = 3 if long else 1
    try:
        undisturbed = await _answer(person, Told())
        for _ in range(kills):
            told = Told()
            conversation = await person.conversation()
            turn = await begin(person, conversation, BODY, f"replica-{conversation}", told)
            await follow(person, turn, told, until=SHOWN_BEFORE)
            shown = told.text
            replica = instance.stack.process(f"ServeReplica:{MODEL}")
            replica.kill()
            await follow(person, turn, told)
            equal += told.text == undisturbed.text
            silence = f"a silence of {told.longest_silence:.0f} s"
            note(f"killed after {len(shown)} of {len(told.text)} characters; {silence}")

            assert "reconnecting" in told.statuses
            assert told.kinds[-1] == "turn.completed"
            assert told.text.startswith(shown), "what was shown has changed"
            assert len(told.text) > len(shown), "it did not go on"
            (row,) = await database.fetch(
                "SELECT t.status, t.prompt_tokens, t.completion_tokens, t.repeated_tokens, m.content "
                "FROM turns t JOIN messages m ON m.id = t.answer_message_id WHERE t.conversation_id = $1",
                conversation,
            )
            assert (row["status"], row["content"]) == ("completed", told.text)
            assert row["repeated_tokens"] > 0, "it was not asked to go on"
            (entry,) = await database.fetch(
                "SELECT state, prompt_tokens, completion_tokens FROM ledger_entries "
                "WHERE kind = 'turn' AND reference = $1",
                turn,
            )
            charged = (entry["state"], entry["prompt_tokens"], entry["completion_tokens"])
            assert charged == ("settled", row["prompt_tokens"], row["completion_tokens"])
            prompt = await database.fetchval(
                "SELECT prompt_tokens FROM turns WHERE id = $1", undisturbed.turn_id
            )
            assert row["prompt_tokens"] == prompt, "the prompt was charged more than once"
            assert row["completion_tokens"] <= BODY["max_tokens"]
        # A model of this kind is not batch-invariant; what is promised is the seam, not the same words.
        note(f"equal to the undisturbed answer at temperature 0: {equal} of {kills}")
        async with asyncio.timeout(30):
            assert (await _answer(person, Told())).kinds[-1] == "turn.completed"
    finally:
        await person.close()


async def test_json_that_a_killed_replica_began_is_still_what_its_schema_allows(
    instance: Instance, note: Note
) -> None:
    person = await person_at(instance.url)
    told = Told()
    try:
        conversation = await person.conversation()
        turn = await begin(person, conversation, JSON_BODY, f"json-{conversation}", told)
        await follow(person, turn, told, until=SHOWN_BEFORE)
        shown = told.text
        instance.stack.process(f"ServeReplica:{MODEL}").kill()
        await follow(person, turn, told)
    finally:
        await person.close()
    note(f"JSON killed after {len(shown)} of {len(told.text)} characters")
    assert "reconnecting" in told.statuses
    assert told.kinds[-1] == "turn.completed"
    assert told.text.startswith(shown), "what was shown has changed"
    assert len(told.text) > len(shown), "it did not go on"
    jsonschema.validate(json.loads(told.text), SCHEMA)


async def _answer(person: Person, told: Told) -> Told:
    """An answer that nothing disturbs."""
    conversation = await person.conversation()
    turn = await begin(person, conversation, BODY, f"plain-{conversation}", told)
    await follow(person, turn, told)
    return told
