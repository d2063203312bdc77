"""Usage and limits on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from auth.limits.requests import Allowance
from gateway.usage.tables import BudgetStatus, DailyUsage


class UsageLine(BaseModel):
    """One day, model and key; without a key it was the page or a job."""

    day: str
    model: str
    key_id: str | None
    key_name: str | None
    prompt_tokens: int
    completion_tokens: int
    requests: int


class UsageTotal(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    requests: int


class UsageReport(BaseModel):
    items: list[UsageLine]
    total: UsageTotal

    @classmethod
    def of(cls, lines: Sequence[DailyUsage]) -> "UsageReport":
        return cls(
            items=[
                UsageLine(
                    day=line.day,
                    model=line.model,
                    key_id=line.key_id,
                    key_name=line.key_name,
                    prompt_tokens=line.prompt_tokens,
                    completion_tokens=line.completion_tokens,
                    requests=line.requests,
                )
                for line in lines
            ],
            total=UsageTotal(
                prompt_tokens=sum(line.prompt_tokens for line in lines),
                completion_tokens=sum(line.completion_tokens for line in lines),
                requests=sum(line.requests for line in lines),
            ),
        )


class BudgetOut(BaseModel):
    """One budget. `remaining` is what neither was used nor is held by something that runs."""

    scope: Literal["person", "group", "key"]
    key_id: str | None
    key_name: str | None
    group_name: str | None
    period: Literal["day", "month"]
    limit: int
    used: int
    reserved: int
    remaining: int
    resets_at: datetime

    @classmethod
    def of(cls, status: BudgetStatus) -> "BudgetOut":
        return cls(
            scope=_scope(status),
            key_id=status.key_id,
            key_name=status.key_name,
            group_name=status.group_name,
            period=status.period.value,
            limit=status.limit,
            used=status.used,
            reserved=status.reserved,
            remaining=status.remaining,
            resets_at=status.resets_at,
        )


def _scope(status: BudgetStatus) -> Literal["person", "group", "key"]:
    if status.key_id is not None:
        return "key"
    return "person" if status.group_name is None else "group"


class RequestsOut(BaseModel):
    """The limit of requests a minute; `reset_seconds` until all of it is free again."""

    limit: int
    remaining: int
    reset_seconds: float


class Limits(BaseModel):
    budgets: list[BudgetOut]
    requests: RequestsOut

    @classmethod
    def of(cls, statuses: Sequence[BudgetStatus], allowance: Allowance) -> "Limits":
        return cls(
            budgets=[BudgetOut.of(status) for status in statuses],
            requests=RequestsOut(
                limit=allowance.limit,
                remaining=allowance.remaining,
                reset_seconds=round(allowance.reset, 3),
            ),
        )
