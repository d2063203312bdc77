"""Turns on the wire."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from gateway.conversations.parameters import Parameters
from gateway.conversations.schemas import ModelName

MAX_CONTENT_CHARACTERS = 1_000_000


class TurnIn(Parameters):
    """A message, the model that should answer it, and where it goes.

    Without `parent_id` it goes below the visible path; with the id of an answer below that one, as a branch;
    with null it begins anew.
    """

    content: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONTENT_CHARACTERS)]
    model: ModelName | None = None
    parent_id: Annotated[str, StringConstraints(max_length=64)] | None = None

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
