"""Invitations: make, list, take back."""

from datetime import timedelta
from typing import Final

from auth.accounts.addresses import check_address
from auth.audit.service import AuditLog
from auth.invitations.repository import InvitationRepository, InvitationRow
from auth.principal import Principal, Role
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import NotFound
from core.ids import is_id, new_secret

MOST_LISTED: Final = 200


class Invitations:
    """What administrators can do with invitations. Using one is registering: auth.accounts.

    Args:
        public: whether addresses must be reachable from the Internet.
        public_url: our own address, for the links.
    """

    def __init__(
        self,
        repository: InvitationRepository,
        audit: AuditLog,
        clock: Clock,
        *,
        public: bool,
        public_url: str,
    ) -> None:
        self._repository = repository
        self._audit = audit
        self._clock = clock
        self._public = public
        self._public_url = public_url

    async def invite(
        self, by: Principal, visitor: Visitor, *, email: str | None, role: Role, days: int
    ) -> tuple[InvitationRow, str]:
        """A new invitation and its link, which is shown this once. Raises Invalid."""
        if email is not None:
            email = check_address(email, public=self._public)
        token, now = new_secret(), self._clock.now()
        row = await self._repository.add(
            token, email=email, role=role, invited_by=by.user_id, now=now, until=now + timedelta(days=days)
        )
        detail = {"role": role.value}
        await self._audit.record("invitation.made", visitor, actor=by.user_id, target=row.id, detail=detail)
        return row, f"{self._public_url}/register#{token}"

    async def newest(self) -> list[InvitationRow]:
        """Invitations, newest first."""
        return await self._repository.newest(MOST_LISTED)

    async def take_back(self, by: Principal, invitation_id: str, visitor: Visitor) -> None:
        """End an unused invitation. Raises NotFound."""
        if not is_id("inv", invitation_id) or not await self._repository.delete(invitation_id):
            raise NotFound("There is no such invitation, or it was used.")
        await self._audit.record("invitation.taken_back", visitor, actor=by.user_id, target=invitation_id)
