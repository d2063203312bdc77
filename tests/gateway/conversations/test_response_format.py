"""The form in which an answer is wanted: checked, kept, and asked of the engine as it was written."""

from typing import Any

import orjson
import pytest

from gateway.conversations.parameters import Parameters
from tests.gateway.client import Gateway, Person

SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string"}, "river": {"const": None}},
    "required": ["capital"],
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}


@pytest.mark.parametrize("wanted", [{"type": "text"}, {"type": "json_object"}, FORMAT])
async def test_it_is_kept_and_reaches_the_engine_unchanged(
    gateway: Gateway, person: Person, wanted: dict[str, Any]
) -> None:
    conversation = await person.conversation(parameters={"response_format": wanted})
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    assert shown["parameters"] == {"response_format": wanted}
    gateway.engine.say('{"capital": "Paris"}')
    await person.ask(conversation, "Where?")
    assert gateway.engine.asked("/v1/chat/completions")[0]["response_format"] == wanted


async def test_a_turn_may_want_another_than_its_conversation(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation(parameters={"response_format": FORMAT})
    gateway.engine.say("Paris")
    await person.ask(conversation, "Where?", response_format=None)
    assert "response_format" not in gateway.engine.asked("/v1/chat/completions")[0]


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    "wrong",
    [
        "json",
        {"type": "xml"},
        {"type": "json_schema"},
        {"type": "json_object", "json_schema": {"schema": {}}},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": "{}"}},
        {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}},
        {"type": "json_schema", "json_schema": {"name": "a"}},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": nested(24)}},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {"enum": ["x" * 32_768]}}},
    ],
)
async def test_what_no_engine_could_use_is_refused_by_name(person: Person, wrong: object) -> None:
    status, body = await person.call(
        "POST", "/api/conversations", json={"parameters": {"response_format": wrong}}
    )
    assert status == 422
    assert "response_format" in orjson.dumps(body).decode()


def test_a_schema_at_the_bounds_is_accepted() -> None:
    for schema in (nested(23), {"enum": ["x" * 32_000]}):
        wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
        chosen = Parameters.model_validate({"response_format": wanted}).chosen()
        assert chosen["response_format"] == wanted
