"""Delete one's account, and keep it after all."""

from fastapi import APIRouter

from auth.accounts.schemas import UserView
from auth.dependencies import CurrentAuth, CurrentVisitor, Fresh, SignedIn

router = APIRouter(prefix="/auth/me", tags=["auth"])


@router.delete("")
async def delete_account(principal: Fresh, auth: CurrentAuth, visitor: CurrentVisitor) -> UserView:
    """Have the account erased at `delete_at`, with everything in it; until then it can be kept."""
    return UserView.of(await auth.deletion.ask(principal, visitor))


@router.post("/keep")
async def keep_account(principal: SignedIn, auth: CurrentAuth, visitor: CurrentVisitor) -> UserView:
    """Keep an account that was to be erased."""
    return UserView.of(await auth.deletion.take_back(principal, visitor))
