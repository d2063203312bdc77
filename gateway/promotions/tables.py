"""Rows of promotions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.promotions.plan import Plan


class PromotionState(StrEnum):
    """`warming` until the revision is ready, `moving` traffic to it, `draining` the old ones; then an end."""

    WARMING = "warming"
    MOVING = "moving"
    DRAINING = "draining"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """A promotion.

    Attributes:
        before: the revisions' weights before it began.
        step: the number, from 0 on, of the step it is at; -1 before the first.
        baseline: what the new revision had done when the first step began; see gateway.promotions.receipt.
        steps: the steps that are over.
        detail: what it waits for, or why it ended as it did.
        receipt: everything that was asked for and seen; None until it ends.
    """

    id: str
    name: str
    revision: str
    before: Mapping[str, int]
    plan: Plan
    state: PromotionState
    step: int
    step_began_at: datetime | None
    baseline: Mapping[str, Any] | None
    steps: Sequence[Mapping[str, Any]]
    detail: str | None
    stop_asked: bool
    started_by: str
    receipt: Mapping[str, Any] | None
    created_at: datetime
    ended_at: datetime | None
