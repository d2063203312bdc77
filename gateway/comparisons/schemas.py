"""Comparisons on the wire."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.conversations.parameters import Parameters
from gateway.conversations.schemas import SystemPrompt
from models.spec import Name

MAX_CHARACTERS = 200_000

Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CHARACTERS)]


class Choice(StrEnum):
    """Which answer is better."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    NEITHER = "neither"


class Question(Parameters):
    """A prompt for one revision."""

    prompt: Prompt
    system_prompt: SystemPrompt | None = None


class Side(BaseModel):
    """What one revision said. Times in milliseconds."""

    model_config = ConfigDict(extra="forbid")

    revision: Name
    text: Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]
    completion_tokens: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    first_ms: Annotated[float, Field(ge=0, le=1e9)] | None = None
    duration_ms: Annotated[float, Field(ge=0, le=1e9)] | None = None


class NewComparison(BaseModel):
    """A vote, with everything that it is about."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    prompt: Prompt
    system_prompt: SystemPrompt | None = None
    left: Side
    right: Side
    choice: Choice

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.left.revision == self.right.revision:
            raise ValueError("left and right are the same revision")
        return self


class ComparisonOut(BaseModel):
    id: str
    name: str
    prompt: str
    system_prompt: str | None
    left: Side
    right: Side
    choice: Choice
    by: str
    created_at: datetime


class Tally(BaseModel):
    """All votes about two revisions: how often which was better, both as good, and neither good."""

    name: str
    one: str
    other: str
    one_better: int
    other_better: int
    both: int
    neither: int


class ComparisonList(BaseModel):
    """The newest votes, and what all votes come to."""

    items: Sequence[ComparisonOut]
    tallies: Sequence[Tally]
