"""Register, and who I am."""

from fastapi import APIRouter, status

from auth.accounts.schemas import Accepted, RegisterRequest, UserView
from auth.dependencies import ClientAddress, CurrentAuth, FromOwnPage, SignedIn

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/register", status_code=status.HTTP_202_ACCEPTED, dependencies=[FromOwnPage])
async def register(body: RegisterRequest, auth: CurrentAuth, address: ClientAddress) -> Accepted:
    """Ask for an account. The answer is the same whether the address has one already or not."""
    await auth.accounts.register(body.email, body.password.get_secret_value(), body.name, address=address)
    return Accepted()


@router.get("/me")
async def me(auth: CurrentAuth, principal: SignedIn) -> UserView:
    """The account that is signed in."""
    return UserView.of(await auth.accounts.get(principal.user_id))
