"""Looking after people: find, change roles, disable, end sessions, take a lost second factor away."""

from auth.audit.service import AuditLog
from auth.mail.letters import Kind
from auth.mail.post import Post
from auth.mfa.repository import FactorRepository
from auth.people.repository import PeopleRepository, PersonRow
from auth.principal import Principal, Role
from auth.revocation import Announcer
from auth.revocation import Kind as Revoked
from auth.sessions.service import Sessions
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.ids import is_id


class People:
    """What administrators can do with accounts. Every act is recorded, and in force at the next request."""

    def __init__(
        self,
        repository: PeopleRepository,
        sessions: Sessions,
        factors: FactorRepository,
        post: Post,
        audit: AuditLog,
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._sessions = sessions
        self._factors = factors
        self._post = post
        self._audit = audit
        self._announcer = announcer
        self._clock = clock

    async def page(self, words: str, group_id: str | None, before: str | None, limit: int) -> list[PersonRow]:
        """Accounts whose address or name holds `words`, of this group where one is named, newest first, below
        the id `before`."""
        return await self._repository.page(words, group_id, before, limit, self._clock.now())

    async def get(self, user_id: str) -> PersonRow:
        """One account. Raises NotFound."""
        found = await self._repository.find(user_id, self._clock.now()) if is_id("usr", user_id) else None
        if found is None:
            raise NotFound("There is no account with this id.")
        return found

    async def change(
        self, by: Principal, user_id: str, visitor: Visitor, *, role: Role | None, active: bool | None
    ) -> PersonRow:
        """Another role, or enabled or disabled. Disabling ends sessions, keys and streams.

        Raises NotFound, and Conflict where nobody could look after people any more.
        """
        before = await self.get(user_id)
        role = role if role is not before.user.role else None
        active = active if active is not before.user.active else None
        if role is None and active is None:
            return before
        if not await self._repository.change(user_id, role=role, active=active, now=self._clock.now()):
            raise Conflict("This is the last administrator. Make somebody else one first.")
        if role is not None:
            detail = {"from": before.user.role.value, "to": role.value}
            await self._audit.record(
                "account.role_set", visitor, actor=by.user_id, target=user_id, detail=detail
            )
        if active is not None:
            action = "account.enabled" if active else "account.disabled"
            await self._audit.record(action, visitor, actor=by.user_id, target=user_id)
        await self._announcer.announce(Revoked.USER, user_id)
        return await self.get(user_id)

    async def end_sessions(self, by: Principal, user_id: str, visitor: Visitor) -> int:
        """End all sessions of somebody; how many there were. Raises NotFound."""
        await self.get(user_id)
        ended = await self._sessions.end_all_of(user_id, "ended_by_admin")
        detail = {"sessions": ended}
        await self._audit.record("sessions.ended", visitor, actor=by.user_id, target=user_id, detail=detail)
        return ended

    async def remove_second_factor(self, by: Principal, user_id: str, visitor: Visitor) -> None:
        """Take all second factors away from somebody who has lost theirs, recovery codes too; all sessions of
        theirs end. Raises NotFound."""
        person = await self.get(user_id)
        if not await self._factors.remove_all(user_id):
            raise NotFound("This account has no second factor.")
        await self._audit.record("second_factor.removed", visitor, actor=by.user_id, target=user_id)
        await self._post.order(Kind.SECOND_FACTOR_REMOVED, person.user.email, user_id=user_id)
        await self._sessions.end_all_of(user_id, "second_factor_removed")
        await self._announcer.announce(Revoked.USER, user_id)
