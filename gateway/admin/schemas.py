"""Revisions and groups as administrators see them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from gateway.routing.tables import RevisionRow
from gateway.usage.tables import GroupUsage


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


class GroupUsageOut(BaseModel):
    """Tokens of all members in one period; `limit` null: without a bound."""

    group_id: str
    period: Literal["day", "month"]
    limit: int | None
    used: int
    reserved: int

    @classmethod
    def of(cls, row: GroupUsage) -> "GroupUsageOut":
        return cls(
            group_id=row.group_id,
            period=row.period.value,
            limit=row.limit,
            used=row.used,
            reserved=row.reserved,
        )


class GroupUsageList(BaseModel):
    """A day and a month of each group, by its name."""

    items: list[GroupUsageOut]
