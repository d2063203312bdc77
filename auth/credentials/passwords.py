"""A new password: for whoever knows the present one, and for whoever reads the account's mails."""

from typing import Final

from auth.accounts.hashing import Hasher
from auth.accounts.one_time_links import OneTimeLinks, Purpose
from auth.accounts.passwords import MINIMUM_LENGTH, MINIMUM_LENGTH_WITH_FACTOR, check_password
from auth.accounts.repository import AccountRepository
from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.limits.sign_in import SignInLimits
from auth.mail.letters import Kind
from auth.mail.post import Post
from auth.mfa.service import SecondFactors
from auth.principal import Principal
from auth.revocation import Announcer
from auth.revocation import Kind as Revoked
from auth.sessions.service import Sessions
from auth.sessions.sign_in import SignIn
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import LinkUsed, Unauthenticated
from core.postgres import Postgres

_RESET: Final = frozenset({Purpose.RESET_PASSWORD})


class Passwords:
    """What can be done with passwords."""

    def __init__(
        self,
        postgres: Postgres,
        repository: AccountRepository,
        links: OneTimeLinks,
        hasher: Hasher,
        factors: SecondFactors,
        sessions: Sessions,
        sign_in: SignIn,
        limits: SignInLimits,
        post: Post,
        audit: AuditLog,
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self._postgres = postgres
        self._repository = repository
        self._links = links
        self._hasher = hasher
        self._factors = factors
        self._sessions = sessions
        self._sign_in = sign_in
        self._limits = limits
        self._post = post
        self._audit = audit
        self._announcer = announcer
        self._clock = clock

    async def forgotten(self, email: str, visitor: Visitor) -> None:
        """Order a mail with a link, for the account of this address: whether there is one is not told.

        Raises RateLimited, Unavailable.
        """
        await self._limits.admit_mail(visitor.address, email)
        await self._post.order(Kind.RESET_PASSWORD, email)
        await self._audit.record("password.reset_asked", visitor)

    async def reset(self, token: str, password: str, visitor: Visitor) -> None:
        """Set a new password with the token of a mail, and end every session. No session begins: a second
        factor is still asked for at the door.

        Raises LinkUsed, WeakPassword, Overloaded.
        """
        now = self._clock.now()
        proof = await self._links.peek(token, _RESET, now)
        user = await self._repository.by_id(proof.user_id) if proof else None
        # A mail to an address that is no longer the account's proves nothing any more.
        if proof is None or user is None or not user.active or proof.email != user.email:
            raise LinkUsed
        # A password that is refused leaves the link as it was.
        password_hash, long = await self._hashed(user, password)
        async with self._postgres.transaction() as connection:
            if not await self._links.take(connection, token):
                raise LinkUsed
            await self._repository.set_password(connection, user.id, password_hash, long=long, now=now)
            await self._links.void(connection, user.id, Purpose.RESET_PASSWORD)
            # Whoever reads the mails of the address has shown that it is theirs.
            await self._repository.set_verified(connection, user.id, now)
        await self._audit.record("password.reset", visitor, actor=user.id, target=user.id)
        await self._told(user)
        await self._sessions.end_all_of(user.id, "password_reset")

    async def change(
        self, principal: Principal, current: str, password: str, visitor: Visitor, *, end_others: bool
    ) -> int:
        """Set a new password for whoever knows the present one; how many other sessions ended.

        Raises WrongCredentials, WeakPassword, RateLimited, Overloaded, Unavailable.
        """
        user = await self._repository.by_id(principal.user_id)
        if user is None:
            raise Unauthenticated
        await self._sign_in.check_password(user, current, visitor)
        password_hash, long = await self._hashed(user, password)
        async with self._postgres.transaction() as connection:
            await self._repository.set_password(
                connection, user.id, password_hash, long=long, now=self._clock.now()
            )
            await self._links.void(connection, user.id, Purpose.RESET_PASSWORD)
        await self._audit.record("password.changed", visitor, actor=user.id, target=user.id)
        await self._told(user)
        if not end_others:
            return 0
        return await self._sessions.end_all_of(user.id, "password_changed", keep=principal.session_id)

    async def _hashed(self, user: UserRow, password: str) -> tuple[str, bool]:
        """The hash, and whether the password is long enough to be all there is."""
        has_factor = (await self._factors.summary(user.id)).any
        least = MINIMUM_LENGTH_WITH_FACTOR if has_factor else MINIMUM_LENGTH
        checked = check_password(password, email=user.email, name=user.name, least=least)
        return await self._hasher.hash(checked), len(checked) >= MINIMUM_LENGTH

    async def _told(self, user: UserRow) -> None:
        await self._post.order(Kind.PASSWORD_CHANGED, user.email, user_id=user.id)
        await self._announcer.announce(Revoked.USER, user.id)
