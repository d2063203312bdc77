"""Turns on the wire."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from gateway.conversations.schemas import ModelName

MAX_CONTENT_CHARACTERS = 1_000_000

StopSequence = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Parameters(BaseModel):
    """How the model should write. What is left out is the model's own default."""

    model_config = ConfigDict(extra="forbid")

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    stop: Annotated[list[StopSequence], Field(max_length=4)] | None = None


class TurnIn(Parameters):
    """A message and the model that should answer it."""

    content: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONTENT_CHARACTERS)]
    model: ModelName | None = None

    @field_validator("content")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("write something first")
        if "\x00" in value:
            raise ValueError("the text holds a NUL character")
        return value


class RetryIn(BaseModel):
    """Which model should try again; without one, the same."""

    model_config = ConfigDict(extra="forbid")

    model: ModelName | None = None


class TurnOut(BaseModel):
    turn_id: str
    message_id: str
    answer_id: str


class StopOut(BaseModel):
    status: str
