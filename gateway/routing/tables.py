"""Rows of the models that should be served, and what was last seen of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.spec import ModelSpec


class Desired(StrEnum):
    SERVING = "serving"
    RETIRED = "retired"


class State(StrEnum):
    """Where a revision is in its life."""

    PENDING = "pending"
    STARTING = "starting"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    RETIRED = "retired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A revision. `waking_since` is when it set out to become ready, while it is on the way."""

    spec: ModelSpec
    desired: Desired
    state: State
    detail: str | None
    waking_since: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Name and revision."""
        return self.spec.name, self.spec.revision
