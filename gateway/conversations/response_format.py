"""In which form an answer is wanted: text, any JSON object, or what a schema allows. OpenAI's own shape."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

MOST_SCHEMA_BYTES: Final = 32_768
MOST_SCHEMA_DEPTH: Final = 24


class JsonSchema(BaseModel):
    """A schema with a name, as OpenAI's `response_format.json_schema`."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "answer"
    description: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    wanted: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None

    @field_validator("wanted")
    @classmethod
    def _bounded(cls, value: dict[str, Any]) -> dict[str, Any]:
        if _depth(value) > MOST_SCHEMA_DEPTH:
            raise PydanticCustomError(
                "schema_depth", "nests deeper than {most} levels", {"most": MOST_SCHEMA_DEPTH}
            )
        if len(orjson.dumps(value)) > MOST_SCHEMA_BYTES:
            raise PydanticCustomError(
                "schema_size", "is longer than {most} bytes", {"most": MOST_SCHEMA_BYTES}
            )
        return value


class TextFormat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]


class JsonObjectFormat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["json_object"]


class JsonSchemaFormat(BaseModel):
    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


def is_structured(chosen: Mapping[str, Any]) -> bool:
    """Whether a grammar decides what the answer may hold; `chosen` holds a turn's parameters."""
    wanted = chosen.get("response_format")
    return wanted is not None and wanted["type"] != "text"


def _depth(value: object) -> int:
    """How deep lists and objects nest; without recursion, for what is too deep for that."""
    deepest, left = 0, [(value, 1)]
    while left:
        part, level = left.pop()
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        deepest = max(deepest, level)
        left += [(item, level + 1) for item in inner]
    return deepest
