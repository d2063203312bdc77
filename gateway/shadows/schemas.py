"""Shadows on the wire."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel


class ShadowSide(BaseModel):
    """What one side said. Times in milliseconds; `text` is null unless texts were kept."""

    text: str | None
    completion_tokens: int | None
    first_ms: float | None
    duration_ms: float | None
    finish_reason: str | None


class ShadowAnswerOut(BaseModel):
    """A request that was answered by `revision`, and again by the shadow. `likeness`: how many of the words
    of both texts are the same ones, from 0 to 1."""

    id: str
    name: str
    revision: str
    shadow_revision: str
    outcome: str
    detail: str | None
    likeness: float | None
    live: ShadowSide
    shadow: ShadowSide
    prompt: str | None
    created_at: datetime


class ShadowTally(BaseModel):
    """All that is kept about two revisions. Medians of milliseconds, means of tokens."""

    name: str
    revision: str
    shadow_revision: str
    answers: int
    failed: int
    same: int
    likeness: float | None
    live_first_ms: float | None
    shadow_first_ms: float | None
    live_tokens: float | None
    shadow_tokens: float | None


class ShadowReport(BaseModel):
    """What came of the copies in the last week, and the newest of them."""

    tallies: Sequence[ShadowTally]
    items: Sequence[ShadowAnswerOut]
