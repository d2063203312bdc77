"""Rows of the ledger."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What asked the engine."""

    TURN = "turn"
    API = "api"
    JOB = "job"
    # A copy of somebody's request, made for those who look after models. Nobody is charged.
    SHADOW = "shadow"


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


NOTHING = Tokens(0, 0)


def finished_of(outcome: Outcome, tokens: Tokens) -> Tokens:
    """What the engine is known to have brought to an end. An engine that said nothing at the end of an answer
    has recorded it as cut off."""
    return tokens if outcome is Outcome.COMPLETED and tokens.exact else NOTHING


@dataclass(frozen=True, slots=True)
class Entry:
    """One settled request. `reference` is unique within its kind: booking it twice changes nothing.

    `created_at` is when it was admitted: the day and the month that it counts in. Without a `user_id` it
    counts in nobody's budget.
    """

    id: str
    user_id: str | None
    key_id: str | None
    kind: Kind
    reference: str
    model: str
    revision: str
    outcome: Outcome
    tokens: Tokens
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def finished(self) -> Tokens:
        """What the engine is known to have brought to an end; see gateway.usage.repository.settle."""
        return finished_of(self.outcome, self.tokens)


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """Tokens of one person, one day (UTC), one model and one key (None: the page, or a job)."""

    day: str
    model: str
    key_id: str | None
    key_name: str | None
    prompt_tokens: int
    completion_tokens: int
    requests: int


class Period(StrEnum):
    """How long a budget lasts, from a UTC midnight on."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """How one budget stands: a key's where `key_id` is set, a group's where `group_name` is, else the
    person's own."""

    key_id: str | None
    key_name: str | None
    group_name: str | None
    period: Period
    limit: int
    used: int
    reserved: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used - self.reserved)


@dataclass(frozen=True, slots=True)
class GroupUsage:
    """What all members of a group use in the period that it is now. `limit` None: it has no bound."""

    group_id: str
    period: Period
    limit: int | None
    used: int
    reserved: int
