"""Wire types of invitations."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from auth.invitations.repository import InvitationRow
from auth.principal import Role


class InviteRequest(BaseModel):
    """POST /api/admin/invitations. Without an address the link is good for whoever has it."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)] | None = None
    role: Role = Role.USER
    expires_in_days: Annotated[int, Field(ge=1, le=30)] = 7


class InvitationView(BaseModel):
    """One invitation, without its link."""

    id: str
    email: str | None
    role: Role
    invited_by: str | None
    created_at: datetime
    expires_at: datetime
    used_by: str | None
    used_at: datetime | None

    @classmethod
    def of(cls, row: InvitationRow) -> Self:
        """All of the row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class NewInvitationView(InvitationView):
    """An invitation that was just made, with its link: this once."""

    link: str


class InvitationList(BaseModel):
    """GET /api/admin/invitations."""

    items: list[InvitationView]
