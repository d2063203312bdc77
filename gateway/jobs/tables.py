"""Rows of jobs and of the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job that a worker has claimed. `fence` numbers the claim: a write with an older one is refused."""

    id: str
    kind: str
    user_id: str
    payload: Mapping[str, Any]
    traceparent: str
    attempts: int
    fence: int


@dataclass(frozen=True, slots=True)
class JobStatusRow:
    """How a job stands, for the person it is of. `error` is why it failed, or why it is tried again."""

    id: str
    user_id: str
    kind: str
    state: str
    conversation_id: str | None
    attempts: int
    error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message that a transaction left behind for Kafka."""

    id: int
    topic: str
    key: str
    headers: Mapping[str, str]
    payload: Mapping[str, Any]
