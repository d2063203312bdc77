"""Rows of turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class TurnStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def terminal(self) -> bool:
        return self is not TurnStatus.RUNNING


@dataclass(frozen=True, slots=True)
class TurnStart:
    """Everything known when a turn begins; the `turn.started` event is made of it."""

    id: str
    user_id: str
    conversation_id: str
    user_message_id: str
    answer_id: str
    model: str
    revision: str
    trimmed_messages: int
    summarised_messages: int
    parameters: Mapping[str, Any]
    traceparent: str


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn ended, and what it cost. `delta_ends` are offsets into `text`, in characters, one for each
    `delta` event, so that the log can be replayed exactly as it was."""

    status: TurnStatus
    text: str
    delta_ends: Sequence[int]
    finish_reason: str | None
    error: Mapping[str, Any] | None
    prompt_tokens: int
    completion_tokens: int
    exact: bool
    ttft_ms: float | None
    duration_ms: float
    replica: str | None
    # Prompt tokens that engines read again so that the answer could go on.
    repeated_tokens: int = 0
    # Model and revision that answered, where those are not the ones that were to.
    served: tuple[str, str] | None = None
    # Prompt and completion tokens of the last request, where it was not the only one and came to its end.
    finished: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A turn as it is stored; of a running one, `end` holds what was last written of it."""

    start: TurnStart
    status: TurnStatus
    runner: str
    attempt: int
    end: TurnEnd

    @property
    def served(self) -> tuple[str, str]:
        """Model and revision that answer, or answered."""
        return self.end.served or (self.start.model, self.start.revision)
