"""Rows of the models that should be served, and what was last seen of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.spec import ModelSpec


class Desired(StrEnum):
    """What is wanted of a revision. One that was only added runs nowhere yet."""

    ADDED = "added"
    SERVING = "serving"
    RETIRED = "retired"


class State(StrEnum):
    """Where a revision is in its life."""

    ADDED = "added"
    PENDING = "pending"
    # Its weights are downloaded or converted; then an engine loads them.
    FETCHING = "fetching"
    STARTING = "starting"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    RETIRED = "retired"
    FAILED = "failed"


class Origin(StrEnum):
    """Who decides about a model: the settings that a gateway starts with, or operators."""

    SETTINGS = "settings"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ShadowRow:
    """A revision that gets a copy of so many requests in a hundred. `keep_texts`: what was said is kept."""

    revision: str
    percent: int
    keep_texts: bool = False


@dataclass(frozen=True, slots=True)
class NameRow:
    """What is decided about a public name. `fallback`: who answers while nobody does for it."""

    fallback: str | None = None
    shadow: ShadowRow | None = None


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A revision.

    Attributes:
        weight: its share of the traffic of its name, relative to the other revisions; 0: none.
        replicas: how many of it run.
        weights: SHA-256 of what its engine has loaded; None until it has, and for an engine without weights.
        waking_since: when it set out to become ready, while it is on the way.
        retire_due: it is to be retired, and every gateway has had the time to learn of it.
    """

    spec: ModelSpec
    desired: Desired
    state: State
    detail: str | None
    weight: int
    replicas: int
    weights: str | None
    origin: Origin
    waking_since: datetime | None
    retire_due: bool
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Name and revision."""
        return self.spec.name, self.spec.revision
