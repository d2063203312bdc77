"""Evaluation sets and runs on the wire, and as they are stored."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from gateway.conversations.schemas import SystemPrompt
from gateway.evaluations.checks import Check
from models.spec import Name

MOST_CASES = 200
SetName = Name


class Case(BaseModel):
    """One prompt and what its answer must be like."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
    system_prompt: SystemPrompt | None = None
    max_tokens: Annotated[int, Field(ge=1, le=4_096)] = 256
    check: Check


class SetIn(BaseModel):
    """`pass_share`: which part of the cases has to pass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pass_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    cases: Annotated[list[Case], Field(min_length=1, max_length=MOST_CASES)]


def digest_of(asked: SetIn) -> str:
    """SHA-256: two sets with the same one ask the same."""
    stored = orjson.dumps(asked.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(stored).hexdigest()


class SetOut(SetIn):
    name: str
    digest: str
    updated_at: datetime


class SetList(BaseModel):
    items: Sequence[SetOut]


class RunState(StrEnum):
    """`broken`: no verdict, because a model could not be asked."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"


class Result(BaseModel):
    """How one case went. `reason` is null where it passed; `text` is the beginning of the answer."""

    passed: bool
    reason: str | None
    text: str


class NewRun(BaseModel):
    model_config = ConfigDict(extra="forbid")

    set: SetName
    name: Name
    revision: Name


class Again(BaseModel):
    """`revision`: null asks the same one again."""

    model_config = ConfigDict(extra="forbid")

    revision: Name | None = None


class RunOut(BaseModel):
    """A run of a set, as it was then, with one revision. `results` are in the order of the cases."""

    id: str
    set: str
    digest: str
    name: str
    revision: str
    state: RunState
    detail: str | None
    pass_share: float
    cases: Sequence[Case]
    results: Sequence[Result]
    promotion_id: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def passed(self) -> int:
        """How many cases have passed until now."""
        return sum(result.passed for result in self.results)


class RunList(BaseModel):
    """Newest first, without their cases and results."""

    items: Sequence[RunOut]


CASES: TypeAdapter[list[Case]] = TypeAdapter(list[Case])
