"""Deleting one's account: asked for, taken back while there is time, and then done."""

from collections.abc import Sequence
from datetime import timedelta

from auth.accounts.service import Accounts
from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.deletion.repository import DeletionRepository
from auth.mail.letters import Kind
from auth.mail.post import Post
from auth.principal import Principal
from auth.revocation import Announcer
from auth.revocation import Kind as Revoked
from auth.sessions.service import Sessions
from auth.visitor import Visitor
from core.clock import Clock


class Deletion:
    """What a person can do about the end of their account, and what is done when it has come.

    Args:
        grace: for so long it can be taken back.
    """

    def __init__(
        self,
        repository: DeletionRepository,
        accounts: Accounts,
        sessions: Sessions,
        post: Post,
        audit: AuditLog,
        announcer: Announcer,
        clock: Clock,
        *,
        grace: timedelta,
    ) -> None:
        self._repository = repository
        self._accounts = accounts
        self._sessions = sessions
        self._post = post
        self._audit = audit
        self._announcer = announcer
        self._clock = clock
        self._grace = grace

    async def ask(self, principal: Principal, visitor: Visitor) -> UserRow:
        """Have the account erased when the time of grace is over. Its other sessions end, its API keys sleep.

        Asking twice changes nothing. Raises Conflict for the last administrator.
        """
        user_id = principal.user_id
        if not await self._repository.mark(user_id, self._clock.now() + self._grace):
            return await self._accounts.get(user_id)
        await self._audit.record("account.deletion_asked", visitor, actor=user_id, target=user_id)
        user = await self._accounts.get(user_id)
        await self._post.order(Kind.DELETION_ASKED, user.email, user_id=user_id)
        await self._sessions.end_all_of(user_id, "deletion_asked", keep=principal.session_id)
        await self._announcer.announce(Revoked.USER, user_id)
        return user

    async def order(self, by: Principal, user_id: str, email: str, visitor: Visitor) -> None:
        """Have somebody else's account erased; whoever does it has disabled it, so that nothing is open.

        Ordering twice changes nothing. Raises Conflict for the last administrator.
        """
        if not await self._repository.mark(user_id, self._clock.now() + self._grace):
            return
        await self._audit.record("account.deletion_asked", visitor, actor=by.user_id, target=user_id)
        await self._post.order(Kind.DELETION_ORDERED, email, user_id=user_id)

    async def call_off(self, by: Principal, user_id: str, visitor: Visitor) -> None:
        """Keep somebody's account. It stays disabled if it is."""
        if await self._repository.unmark(user_id, self._clock.now()):
            await self._audit.record("account.kept", visitor, actor=by.user_id, target=user_id)
            await self._announcer.announce(Revoked.USER, user_id)

    async def take_back(self, principal: Principal, visitor: Visitor) -> UserRow:
        """Keep the account, with all that is in it; its API keys are awake again."""
        user_id = principal.user_id
        if await self._repository.unmark(user_id, self._clock.now()):
            await self._audit.record("account.kept", visitor, actor=user_id, target=user_id)
            await self._announcer.announce(Revoked.USER, user_id)
        return await self._accounts.get(user_id)

    async def due(self, most: int) -> Sequence[str]:
        """Ids of accounts that are to be erased now."""
        return await self._repository.due(self._clock.now(), most)

    async def erase(self, user_id: str) -> bool:
        """Erase the account and all that is its person's; False where another process just did. What the
        audit log says of its id stays."""
        if not await self._repository.erase(user_id, self._clock.now()):
            return False
        await self._audit.record("account.erased", None, target=user_id)
        await self._announcer.announce(Revoked.USER, user_id)
        return True
