"""Accounts: register, prove a password, change roles."""

from auth.accounts.addresses import check_address, lookup_form
from auth.accounts.hashing import Hasher
from auth.accounts.passwords import canonical, check_password
from auth.accounts.repository import AccountRepository
from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.audit.tables import Outcome
from auth.budget import Budget
from auth.invitations.repository import InvitationRepository
from auth.limits.sign_in import SignInLimits
from auth.mail.letters import Kind
from auth.mail.post import Post
from auth.principal import Role
from auth.revocation import Announcer
from auth.revocation import Kind as Revoked
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import Conflict, LinkUsed, NotFound, RegistrationClosed, Unauthenticated
from core.log import get_logger
from core.postgres import Postgres
from core.settings import Registration

log = get_logger(__name__)


class Accounts:
    """What can be done with accounts.

    Args:
        public: whether addresses must be reachable from the Internet.
    """

    def __init__(
        self,
        postgres: Postgres,
        repository: AccountRepository,
        invitations: InvitationRepository,
        hasher: Hasher,
        limits: SignInLimits,
        post: Post,
        audit: AuditLog,
        announcer: Announcer,
        clock: Clock,
        *,
        registration: Registration,
        public: bool,
    ) -> None:
        self._postgres = postgres
        self._repository = repository
        self._invitations = invitations
        self._hasher = hasher
        self._limits = limits
        self._post = post
        self._audit = audit
        self._announcer = announcer
        self._clock = clock
        self._registration = registration
        self._public = public

    async def register(
        self, email: str, password: str, name: str, visitor: Visitor, invitation: str | None = None
    ) -> None:
        """Make an account, unless the email address has one: the caller cannot tell which, and neither can a
        stopwatch, because the password is hashed once and one mail is ordered either way.

        An invitation decides on the role. Raises: RegistrationClosed, LinkUsed, Invalid, WeakPassword,
        RateLimited, Unavailable, Overloaded.
        """
        if self._registration is Registration.CLOSED:
            raise RegistrationClosed
        if self._registration is Registration.INVITE and invitation is None:
            raise RegistrationClosed("New accounts need an invitation here. Ask an administrator for one.")
        email = check_address(email, public=self._public)
        password = check_password(password, email=email, name=name)
        await self._limits.admit_registration(visitor.address)
        invited = None
        if invitation is not None:
            invited = await self._invitations.open(invitation, self._clock.now())
            if invited is None or (invited.email and lookup_form(invited.email) != lookup_form(email)):
                raise LinkUsed("This invitation is for another address, was used, or is too old.")
        password_hash = await self._hasher.hash(password)
        async with self._postgres.transaction() as connection:
            user = await self._repository.add(
                email=email,
                lookup=lookup_form(email),
                name=name,
                password_hash=password_hash,
                role=invited.role if invited else Role.USER,
                verified_at=None,
                connection=connection,
            )
            now = self._clock.now()
            # With an account of this address there is nothing to use the invitation for.
            if user and invited and not await self._invitations.use(connection, invited.id, user.id, now):
                raise LinkUsed("This invitation was used.")
        # The mail tells the owner of the address what the answer must not tell the caller.
        await self._post.order(Kind.VERIFY_EMAIL if user else Kind.ALREADY_REGISTERED, email)
        known = user.id if user else None
        outcome = Outcome.DONE if user else Outcome.REFUSED
        await self._audit.record("account.registered", visitor, actor=known, target=known, outcome=outcome)

    async def prove(self, email: str, password: str) -> UserRow | None:
        """The account that this address and password open, or None.

        Unknown, disabled, without a password, wrong password: each costs one query and one hash.
        """
        user = await self._repository.by_lookup(lookup_form(email))
        password = canonical(password)
        fits = await self._hasher.verify(password, user.password_hash if user else None)
        if user is None or not fits or not user.is_open(self._clock.now()):
            log.info("auth.login_refused", user_id=user.id if user else None)
            return None
        if user.password_hash is not None and self._hasher.is_weak(user.password_hash):
            await self._repository.replace_hash(
                user.id, user.password_hash, await self._hasher.hash(password)
            )
        return user

    async def get(self, user_id: str) -> UserRow:
        """The account as it is now. Raises Unauthenticated where it is gone or disabled."""
        user = await self._repository.by_id(user_id)
        if user is None or not user.is_open(self._clock.now()):
            raise Unauthenticated
        return user

    async def set_profile(
        self, user_id: str, *, name: str, language: str | None, time_zone: str | None
    ) -> UserRow:
        """What a person says of themselves. Raises Unauthenticated where the account is gone."""
        user = await self._repository.set_profile(user_id, name=name, language=language, time_zone=time_zone)
        if user is None:
            raise Unauthenticated
        await self._announcer.announce(Revoked.USER, user_id)
        return user

    async def create_admin(self, email: str, password: str, name: str) -> UserRow:
        """Make an administrator, whatever registration says. For the command line.

        Raises: Conflict where the address has an account, Invalid, WeakPassword.
        """
        email = check_address(email, public=self._public)
        password = check_password(password, email=email, name=name)
        user = await self._repository.add(
            email=email,
            lookup=lookup_form(email),
            name=name,
            password_hash=await self._hasher.hash(password),
            role=Role.ADMIN,
            # Whoever can run this command needs no mail to prove anything.
            verified_at=self._clock.now(),
        )
        if user is None:
            raise Conflict(
                f"{email} has an account already. To make it an administrator, set its role: "
                f"headrace users set-role {email} admin"
            )
        await self._audit.record("account.admin_created", None, target=user.id)
        return user

    async def set_role(self, email: str, role: Role) -> None:
        """Give an account another role, in force at its next request. Raises NotFound."""
        user_id = await self._repository.set_role(lookup_form(email), role)
        await self._changed(user_id, email)
        await self._audit.record("account.role_set", None, target=user_id, detail={"role": role.value})

    async def set_active(self, email: str, *, active: bool) -> None:
        """Enable or disable an account. Disabling ends its sessions, keys and streams. Raises NotFound."""
        user_id = await self._repository.set_active(lookup_form(email), active=active, now=self._clock.now())
        await self._changed(user_id, email)
        await self._audit.record("account.enabled" if active else "account.disabled", None, target=user_id)

    async def set_budget(self, user_id: str, budget: Budget) -> None:
        """How many tokens this person may use, in force at their next request. Raises NotFound."""
        if not await self._repository.set_budget(user_id, budget):
            raise NotFound("There is no account with this id.")
        await self._announcer.announce(Revoked.USER, user_id)
        log.info("auth.budget_set", user_id=user_id, day=budget.day, month=budget.month)

    async def _changed(self, user_id: str | None, email: str) -> None:
        if user_id is None:
            raise NotFound(f"There is no account with the address {email}.")
        await self._announcer.announce(Revoked.USER, user_id)
