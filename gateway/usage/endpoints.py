"""`GET /api/usage`: what the person has used."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from auth.dependencies import SignedIn
from gateway.dependencies import Ledger

router = APIRouter(tags=["usage"])


class UsageLine(BaseModel):
    day: str
    model: str
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


@router.get("/usage")
async def usage(
    principal: SignedIn, ledger: Ledger, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> UsageReport:
    """Tokens by day (UTC) and model, newest first."""
    lines = await ledger.by_day(principal.user_id, days)
    return UsageReport(
        items=[
            UsageLine(
                day=line.day,
                model=line.model,
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
