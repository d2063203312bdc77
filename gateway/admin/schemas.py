"""Revisions as an administrator sees them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from gateway.routing.tables import RevisionRow


class RevisionOut(BaseModel):
    name: str
    revision: str
    desired: str
    state: str
    detail: str | None
    spec: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: RevisionRow) -> "RevisionOut":
        return cls(
            name=row.spec.name,
            revision=row.spec.revision,
            desired=row.desired.value,
            state=row.state.value,
            detail=row.detail,
            spec=row.spec.model_dump(mode="json"),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class RevisionList(BaseModel):
    items: list[RevisionOut]
