"""`GET /api/usage`: what the person has used, and what is left."""

from typing import Annotated

from fastapi import APIRouter, Query

from auth.dependencies import CurrentAuth, UsageReader
from gateway.dependencies import Ledger, PersonBudgets
from gateway.usage.schemas import Limits, UsageReport

router = APIRouter(tags=["usage"])


@router.get("/usage")
async def usage(
    principal: UsageReader, ledger: Ledger, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> UsageReport:
    """Tokens by day (UTC), model and key, newest first."""
    return UsageReport.of(await ledger.by_day(principal.user_id, days))


@router.get("/usage/limits")
async def limits(principal: UsageReader, auth: CurrentAuth, budgets: PersonBudgets) -> Limits:
    """How the budgets and the limit of requests stand; no budgets: an empty list."""
    return Limits.of(await budgets.of(principal.user_id), auth.request_limits.look(principal.user_id))
