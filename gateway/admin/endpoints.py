"""`/api/admin`: what administrators set and see of budgets."""

from typing import Annotated

from fastapi import APIRouter, Path

from auth.budget import BudgetBody
from auth.dependencies import Admin, CurrentAuth
from gateway.admin.schemas import GroupUsageList, GroupUsageOut
from gateway.dependencies import PersonBudgets

router = APIRouter(prefix="/admin", tags=["admin"])


@router.get("/groups/usage")
async def usage_of_groups(_: Admin, budgets: PersonBudgets) -> GroupUsageList:
    """What each group uses, today and this month (UTC)."""
    return GroupUsageList(items=[GroupUsageOut.of(row) for row in await budgets.of_groups()])


@router.put("/users/{user_id}/budget")
async def set_budget(
    _: Admin, auth: CurrentAuth, user_id: Annotated[str, Path(max_length=64)], wanted: BudgetBody
) -> BudgetBody:
    """How many tokens a person may use a day and a month; null: what the settings say for everybody."""
    await auth.accounts.set_budget(user_id, wanted.budget())
    return wanted
