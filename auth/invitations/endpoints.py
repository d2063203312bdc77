"""Invite people, and take invitations back."""

from typing import Annotated

from fastapi import APIRouter, Path, Response, status

from auth.dependencies import Admin, CurrentAuth, CurrentVisitor, FreshAdmin
from auth.invitations.schemas import InvitationList, InvitationView, InviteRequest, NewInvitationView

router = APIRouter(prefix="/admin/invitations", tags=["admin"])


@router.get("")
async def list_invitations(_: Admin, auth: CurrentAuth) -> InvitationList:
    """Invitations, newest first."""
    return InvitationList(items=[InvitationView.of(row) for row in await auth.invitations.newest()])


@router.post("", status_code=status.HTTP_201_CREATED)
async def invite(
    body: InviteRequest,
    response: Response,
    principal: FreshAdmin,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
) -> NewInvitationView:
    """A link with which one person can register; it is in this answer only."""
    response.headers["cache-control"] = "no-store"
    row, link = await auth.invitations.invite(
        principal, visitor, email=body.email, role=body.role, days=body.expires_in_days
    )
    return NewInvitationView(**InvitationView.of(row).model_dump(), link=link)


@router.delete("/{invitation_id}", status_code=status.HTTP_204_NO_CONTENT)
async def take_back(
    principal: Admin,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
    invitation_id: Annotated[str, Path(max_length=64)],
) -> None:
    """End an invitation that nobody has used."""
    await auth.invitations.take_back(principal, invitation_id, visitor)
