"""Change or reset the password; verify or change the address."""

from fastapi import APIRouter, status

from auth.accounts.schemas import Accepted
from auth.credentials.schemas import (
    AddressRequest,
    AddressView,
    ChangePasswordRequest,
    ResetRequest,
    TokenRequest,
)
from auth.dependencies import CurrentAuth, CurrentVisitor, Fresh, FromOwnPage, SignedIn
from auth.sessions.schemas import EndedSessions

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/forgotten-password", status_code=status.HTTP_202_ACCEPTED, dependencies=[FromOwnPage])
async def forgotten_password(body: AddressRequest, auth: CurrentAuth, visitor: CurrentVisitor) -> Accepted:
    """Ask for a mail with a link. The answer is the same whether there is such an account or not."""
    await auth.passwords.forgotten(body.email, visitor)
    return Accepted()


@router.post("/reset-password", status_code=status.HTTP_204_NO_CONTENT, dependencies=[FromOwnPage])
async def reset_password(body: ResetRequest, auth: CurrentAuth, visitor: CurrentVisitor) -> None:
    """Set a new password with the link of a mail. Every session ends, and none begins."""
    await auth.passwords.reset(body.token.get_secret_value(), body.password.get_secret_value(), visitor)


@router.post("/password")
async def change_password(
    body: ChangePasswordRequest, auth: CurrentAuth, principal: SignedIn, visitor: CurrentVisitor
) -> EndedSessions:
    """Set a new password with the present one."""
    ended = await auth.passwords.change(
        principal,
        body.current_password.get_secret_value(),
        body.password.get_secret_value(),
        visitor,
        end_others=body.end_other_sessions,
    )
    return EndedSessions(ended_sessions=ended)


@router.post("/verification", status_code=status.HTTP_202_ACCEPTED, dependencies=[FromOwnPage])
async def send_verification(body: AddressRequest, auth: CurrentAuth, visitor: CurrentVisitor) -> Accepted:
    """Ask for another mail that verifies the address. The answer is the same whatever comes of it."""
    await auth.addresses.send_again(body.email, visitor)
    return Accepted()


@router.post("/verify-email", dependencies=[FromOwnPage])
async def verify_email(body: TokenRequest, auth: CurrentAuth, visitor: CurrentVisitor) -> AddressView:
    """Show the link of a mail: the address is verified, or becomes the account's new one."""
    user = await auth.addresses.prove(body.token.get_secret_value(), visitor)
    return AddressView(email=user.email)


@router.post("/email", status_code=status.HTTP_202_ACCEPTED)
async def change_email(
    body: AddressRequest, auth: CurrentAuth, principal: Fresh, visitor: CurrentVisitor
) -> Accepted:
    """Ask to have another address. It is changed when the link of the mail to it was opened."""
    await auth.addresses.ask_to_change(principal, body.email, visitor)
    return Accepted()
