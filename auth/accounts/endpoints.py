"""Register, who I am, and what I say of myself."""

from fastapi import APIRouter, status

from auth.accounts.schemas import Accepted, ProfileRequest, RegisterRequest, UserView
from auth.dependencies import CurrentAuth, CurrentVisitor, FromOwnPage, SignedIn

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/register", status_code=status.HTTP_202_ACCEPTED, dependencies=[FromOwnPage])
async def register(body: RegisterRequest, auth: CurrentAuth, visitor: CurrentVisitor) -> Accepted:
    """Ask for an account. The answer is the same whether the address has one already or not."""
    invitation = body.invitation.get_secret_value() if body.invitation else None
    await auth.accounts.register(body.email, body.password.get_secret_value(), body.name, visitor, invitation)
    return Accepted()


@router.get("/me")
async def me(auth: CurrentAuth, principal: SignedIn) -> UserView:
    """The account that is signed in."""
    return UserView.of(await auth.accounts.get(principal.user_id))


@router.patch("/me")
async def change_profile(body: ProfileRequest, auth: CurrentAuth, principal: SignedIn) -> UserView:
    """Another name, language or time zone."""
    user = await auth.accounts.get(principal.user_id)
    given = body.model_fields_set
    changed = await auth.accounts.set_profile(
        user.id,
        name=body.name or user.name,
        language=body.language if "language" in given else user.language,
        time_zone=body.time_zone if "time_zone" in given else user.time_zone,
    )
    return UserView.of(changed)
