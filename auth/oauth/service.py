"""Sign in with an account elsewhere; link and unlink it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from auth.accounts.addresses import lookup_form
from auth.accounts.repository import AccountRepository
from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.audit.tables import Outcome
from auth.limits.sign_in import SignInLimits
from auth.mfa.repository import FactorRepository
from auth.oauth.identity import Identity, Provider
from auth.oauth.repository import IdentityRepository, IdentityRow
from auth.oauth.transactions import Transaction, Transactions
from auth.principal import Role
from auth.sessions.service import Grant
from auth.sessions.sign_in import SecondStep, SignIn
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import Conflict, NotFound, ProviderFailed, SignInRefused
from core.ids import is_id

_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class CameIn:
    """Somebody came back from a provider: with a session, at the second step of one, or to add a way in."""

    grant: Grant | SecondStep | None
    next: str


class OAuth:
    """What can be done with accounts elsewhere.

    Args:
        public_url: our own address, below which the providers send browsers back.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        transactions: Transactions,
        identities: IdentityRepository,
        accounts: AccountRepository,
        factors: FactorRepository,
        sign_in: SignIn,
        limits: SignInLimits,
        audit: AuditLog,
        clock: Clock,
        *,
        public_url: str,
    ) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._transactions = transactions
        self._identities = identities
        self._accounts = accounts
        self._factors = factors
        self._sign_in = sign_in
        self._limits = limits
        self._audit = audit
        self._clock = clock
        self._public_url = public_url

    @property
    def providers(self) -> list[Provider]:
        """Those of the settings, in their order."""
        return list(self._providers.values())

    async def begin(
        self, provider_id: str, visitor: Visitor, *, user_id: str | None, next_path: str
    ) -> tuple[str, str]:
        """Where to send the browser, and the secret that it has to keep.

        Raises NotFound, ProviderFailed, RateLimited, Unavailable.
        """
        provider = self._provider(provider_id)
        await self._limits.admit_beginning(visitor.address)
        redirect_uri = f"{self._public_url}/api/auth/oauth/{provider.id}/callback"
        begun, secret = await self._transactions.begin(
            provider.id, redirect_uri, user_id=user_id, next_path=next_path
        )
        return await provider.address(begun.question), secret

    async def finish(
        self,
        provider_id: str,
        *,
        state: str,
        code: str,
        issuer: str | None,
        secret: str | None,
        visitor: Visitor,
    ) -> CameIn:
        """End what `begin` began. What keeps a way in from being added is told where that began.

        Raises NotFound, SignInRefused, ProviderFailed, Unavailable.
        """
        provider = self._provider(provider_id)
        begun = await self._transactions.take(state, provider.id, secret)
        try:
            identity = await provider.identity(begun.question, code, issuer)
            if begun.user_id is not None:
                await self._link(begun, provider, identity, visitor)
                return CameIn(None, begun.next)
            user = await self._who(provider, identity, visitor)
        except (SignInRefused, ProviderFailed) as error:
            if isinstance(error, SignInRefused):
                action = "oauth.login" if begun.user_id is None else "oauth.linked"
                await self._audit.record(
                    action, visitor, target=provider.id, actor=begun.user_id, outcome=Outcome.REFUSED
                )
            if begun.user_id is None:
                raise
            return CameIn(None, f"{begun.next}#problem={error.code}")
        return CameIn(await self._sign_in.with_identity(user, visitor), begun.next)

    async def of_user(self, user_id: str) -> list[IdentityRow]:
        """A person's identities elsewhere."""
        return await self._identities.of_user(user_id)

    async def unlink(self, user: UserRow, identity_id: str, visitor: Visitor) -> None:
        """Take a way in away. Raises NotFound, and Conflict where it is the only one."""
        if user.password_hash is None:
            others = len(await self._identities.of_user(user.id)) - 1
            others += (await self._factors.summary(user.id)).passkeys
            if others <= 0:
                raise Conflict("This is your only way in. Set a password or add a passkey first.")
        if not is_id("idn", identity_id) or not await self._identities.unlink(user.id, identity_id):
            raise NotFound
        await self._audit.record("oauth.unlinked", visitor, actor=user.id, target=identity_id)

    def _provider(self, provider_id: str) -> Provider:
        provider = self._providers.get(provider_id)
        if provider is None:
            raise NotFound("There is no identity provider of this name.")
        return provider

    async def _link(
        self, begun: Transaction, provider: Provider, identity: Identity, visitor: Visitor
    ) -> None:
        assert begun.user_id is not None  # noqa: S101 - asked by the caller
        row = await self._identities.link(begun.user_id, provider.id, identity, self._clock.now())
        if row is None:
            raise SignInRefused("This account opens another one here already.")
        await self._audit.record("oauth.linked", visitor, actor=begun.user_id, target=row.id)

    async def _who(self, provider: Provider, identity: Identity, visitor: Visitor) -> UserRow:
        """The account that this identity opens, made where that is allowed.

        An account is only found by its address where both sides have proved it: an address alone says nothing
        about whose it is.
        """
        now = self._clock.now()
        row = await self._identities.use(identity, now)
        if row is not None:
            known = await self._accounts.by_id(row.user_id)
            if known is None or not known.is_open(now):
                raise SignInRefused
            return known
        if identity.email is None or not identity.email_verified:
            raise SignInRefused("Your address is not verified there. Sign in another way, and add this one.")
        user = await self._accounts.by_lookup(lookup_form(identity.email))
        if user is not None and not (user.is_open(now) and user.verified):
            raise SignInRefused("There is an account of this address. Sign in to it, and add this way in.")
        if user is None:
            if not provider.may_register:
                raise SignInRefused("You have no account here. Ask an administrator for one.")
            user = await self._accounts.add(
                email=identity.email,
                lookup=lookup_form(identity.email),
                name=_name(identity),
                password_hash=None,
                role=Role.USER,
                verified_at=now,
            )
            if user is None:
                raise SignInRefused
            await self._audit.record("account.registered", visitor, actor=user.id, target=user.id)
        linked = await self._identities.link(user.id, provider.id, identity, now)
        if linked is None:
            raise SignInRefused
        await self._audit.record("oauth.linked", visitor, actor=user.id, target=linked.id)
        return user


def _name(identity: Identity) -> str:
    said = "".join(character for character in identity.name or "" if character.isprintable()).strip()
    return said[:_LONGEST_NAME] or (identity.email or "").partition("@")[0][:_LONGEST_NAME]
