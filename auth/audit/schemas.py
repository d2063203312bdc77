"""Wire types of the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel

from auth.audit.service import Verdict
from auth.audit.tables import AuditRow, Outcome


class AuditEventView(BaseModel):
    """One event. `actor` and `target` are ids, where they are known."""

    number: int
    at: datetime
    action: str
    outcome: Outcome
    actor: str | None
    target: str | None
    address: str | None
    request_id: str | None
    detail: Mapping[str, Any]

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        """Without the hashes, which mean nothing to a reader."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class AuditPage(BaseModel):
    """Newest first; `next_before` is the number to go on with, null at the end."""

    items: list[AuditEventView]
    next_before: int | None


class VerdictView(BaseModel):
    """What a check found. `fault` null: nobody has changed anything."""

    events: int
    anchors: int
    fault: str | None
    at_number: int | None

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """All of it."""
        return cls(
            events=verdict.events, anchors=verdict.anchors, fault=verdict.fault, at_number=verdict.at_number
        )
