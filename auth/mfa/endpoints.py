"""Set up and take away one's second factor."""

from fastapi import APIRouter, Response, status

from auth.dependencies import CurrentAuth, CurrentVisitor, Fresh, SignedIn
from auth.mfa.schemas import CodeRequest, EnrolmentView, FactorsView, RecoveryCodesView

router = APIRouter(prefix="/auth/second-factor", tags=["auth"])


@router.get("")
async def show_factors(auth: CurrentAuth, principal: SignedIn) -> FactorsView:
    """What one has besides the password."""
    return FactorsView.of(await auth.factors.summary(principal.user_id))


@router.post("/totp")
async def begin_totp(response: Response, auth: CurrentAuth, principal: Fresh) -> EnrolmentView:
    """Begin to set up an authenticator app."""
    response.headers["cache-control"] = "no-store"
    return EnrolmentView.of(await auth.factors.begin(await auth.accounts.get(principal.user_id)))


@router.post("/totp/confirm")
async def confirm_totp(
    body: CodeRequest, response: Response, auth: CurrentAuth, principal: Fresh, visitor: CurrentVisitor
) -> RecoveryCodesView:
    """Show a code of the app: from now on it is asked for. The recovery codes are in this answer only."""
    response.headers["cache-control"] = "no-store"
    user = await auth.accounts.get(principal.user_id)
    codes = await auth.factors.confirm(user, body.code.get_secret_value(), visitor)
    return RecoveryCodesView(recovery_codes=codes)


@router.delete("/totp", status_code=status.HTTP_204_NO_CONTENT)
async def remove_totp(auth: CurrentAuth, principal: Fresh, visitor: CurrentVisitor) -> None:
    """Take the authenticator app and the recovery codes away."""
    await auth.factors.remove(await auth.accounts.get(principal.user_id), visitor)


@router.post("/recovery-codes")
async def replace_recovery_codes(
    response: Response, auth: CurrentAuth, principal: Fresh, visitor: CurrentVisitor
) -> RecoveryCodesView:
    """Fresh recovery codes; the earlier ones are void."""
    response.headers["cache-control"] = "no-store"
    user = await auth.accounts.get(principal.user_id)
    return RecoveryCodesView(recovery_codes=await auth.factors.new_recovery_codes(user, visitor))
