"""Rows of the ledger."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What asked the engine."""

    TURN = "turn"
    API = "api"
    JOB = "job"


class Outcome(StrEnum):
    """How it ended."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one request to an engine. `exact` is False where the engine did not say and we counted."""

    prompt: int
    completion: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One settled request. `reference` is unique within its kind: booking it twice changes nothing."""

    id: str
    user_id: str
    key_id: str | None
    kind: Kind
    reference: str
    model: str
    revision: str
    outcome: Outcome
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """Tokens of one person, one day (UTC) and one model."""

    day: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    requests: int
