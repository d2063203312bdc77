"""Groups as administrators see them."""

from typing import Literal

from pydantic import BaseModel

from gateway.usage.tables import GroupUsage


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
