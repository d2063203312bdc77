"""An account's email address: prove that one reads its mails, and change it."""

from typing import Final

from auth.accounts.addresses import check_address, lookup_form
from auth.accounts.one_time_links import OneTimeLinks, Purpose
from auth.accounts.repository import AccountRepository
from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.limits.sign_in import SignInLimits
from auth.mail.letters import Kind
from auth.mail.post import Post
from auth.principal import Principal
from auth.revocation import Announcer
from auth.revocation import Kind as Revoked
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import LinkUsed, Unauthenticated
from core.postgres import Postgres, UniqueViolation

_PROVE: Final = frozenset({Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL})


class EmailAddresses:
    """What can be done with the address of an account.

    Args:
        public: whether addresses must be reachable from the Internet.
    """

    def __init__(
        self,
        postgres: Postgres,
        repository: AccountRepository,
        links: OneTimeLinks,
        limits: SignInLimits,
        post: Post,
        audit: AuditLog,
        announcer: Announcer,
        clock: Clock,
        *,
        public: bool,
    ) -> None:
        self._postgres = postgres
        self._repository = repository
        self._links = links
        self._limits = limits
        self._post = post
        self._audit = audit
        self._announcer = announcer
        self._clock = clock
        self._public = public

    async def send_again(self, email: str, visitor: Visitor) -> None:
        """Order another mail that verifies this address, where there is an account that needs one: whether
        there is is not told. Raises RateLimited, Unavailable."""
        await self._limits.admit_mail(visitor.address, email)
        await self._post.order(Kind.VERIFY_EMAIL, email)

    async def ask_to_change(self, principal: Principal, email: str, visitor: Visitor) -> None:
        """Order a mail to the new address; the account keeps the old one until its link is opened.

        Whether another account has the address is told neither here nor later. Raises Invalid, RateLimited,
        Unavailable.
        """
        email = check_address(email, public=self._public)
        await self._limits.admit_mail(visitor.address, email)
        await self._post.order(Kind.CHANGE_EMAIL, email, user_id=principal.user_id)
        await self._audit.record(
            "email.change_asked", visitor, actor=principal.user_id, target=principal.user_id
        )

    async def prove(self, token: str, visitor: Visitor) -> UserRow:
        """Take the token of a mail: the address is verified, or becomes the account's new one.

        Raises LinkUsed, also where another account has got the address meanwhile.
        """
        now = self._clock.now()
        old: str | None = None
        proof = await self._links.peek(token, _PROVE, now)
        before = await self._repository.by_id(proof.user_id) if proof else None
        if proof is None or before is None or not before.active:
            raise LinkUsed
        try:
            async with self._postgres.transaction() as connection:
                if not await self._links.take(connection, token):
                    raise LinkUsed
                if proof.purpose is Purpose.CHANGE_EMAIL:
                    old = before.email
                    lookup = lookup_form(proof.email)
                    await self._repository.set_email(connection, before.id, proof.email, lookup, now)
                    # Links to the old address prove nothing any more.
                    await self._links.void(connection, before.id, Purpose.RESET_PASSWORD)
                    await self._links.void(connection, before.id, Purpose.VERIFY_EMAIL)
                elif proof.email != before.email:
                    raise LinkUsed
                else:
                    await self._repository.set_verified(connection, before.id, now)
        except UniqueViolation as error:
            raise LinkUsed from error
        action = "email.changed" if old is not None else "email.verified"
        await self._audit.record(action, visitor, actor=before.id, target=before.id)
        if old is not None and lookup_form(old) != lookup_form(proof.email):
            await self._post.order(Kind.EMAIL_CHANGED, old, user_id=before.id)
        await self._announcer.announce(Revoked.USER, before.id)
        user = await self._repository.by_id(before.id)
        if user is None:
            raise Unauthenticated
        return user
