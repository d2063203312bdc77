"""Rows of shadow answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.inference import Target


@dataclass(frozen=True, slots=True)
class Said:
    """One side's answer. Times in milliseconds."""

    text: str
    completion_tokens: int | None
    first_ms: float | None
    duration_ms: float | None
    finish_reason: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered, and that the shadow is asked again.

    Attributes:
        target: who answered.
        request: the body that was sent, of a chat completion.
        conversation_id: None for a request over `/v1`.
    """

    user_id: str
    conversation_id: str | None
    target: Target
    request: Mapping[str, Any]
    said: Said


@dataclass(frozen=True, slots=True)
class Pair:
    """Both answers. `detail` says why the shadow has none; `prompt` is None where texts are not kept."""

    answered: Answered
    shadow_revision: str
    shadow: Said
    detail: str | None
    likeness: float | None
    prompt: str | None
