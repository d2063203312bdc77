"""Puts the parts of auth together: the only file that knows all of them."""

import asyncio
from datetime import timedelta
from typing import Final

from auth.accounts.hashing import Argon2Hasher, Hasher
from auth.accounts.one_time_links import OneTimeLinks
from auth.accounts.repository import AccountRepository
from auth.accounts.service import Accounts
from auth.api_keys.repository import KeyRepository
from auth.api_keys.service import PREFIX as KEY_PREFIX
from auth.api_keys.service import ApiKeys
from auth.audit.anchors import Anchors
from auth.audit.repository import AuditRepository
from auth.audit.service import AuditLog
from auth.budget import Budget
from auth.client_address import TrustedProxies
from auth.credentials.addresses import EmailAddresses
from auth.credentials.passwords import Passwords
from auth.deletion.repository import DeletionRepository
from auth.deletion.service import Deletion
from auth.groups.repository import GroupRepository
from auth.groups.service import Groups
from auth.invitations.repository import InvitationRepository
from auth.invitations.service import Invitations
from auth.limits.requests import RequestLimits
from auth.limits.sign_in import SignInLimits
from auth.limits.store import LimitStore
from auth.mail.orders import MailOrders
from auth.mail.post import Post
from auth.mail.postman import Postman
from auth.mail.senders import MailSender, sender_of
from auth.mfa.challenges import Challenges
from auth.mfa.repository import FactorRepository
from auth.mfa.service import SecondFactors
from auth.oauth.fetching import Fetcher
from auth.oauth.providers import make_provider
from auth.oauth.repository import IdentityRepository
from auth.oauth.service import OAuth
from auth.oauth.transactions import Transactions
from auth.origin import OwnOrigin
from auth.passkeys.challenges import PasskeyChallenges
from auth.passkeys.repository import PasskeyRepository
from auth.passkeys.service import Passkeys
from auth.people.repository import PeopleRepository
from auth.people.service import People
from auth.pictures.repository import PictureRepository
from auth.pictures.service import Pictures
from auth.principal import Principal, Role
from auth.revocation import Revocations
from auth.sessions.access_tokens import AccessTokens
from auth.sessions.repository import SessionRepository
from auth.sessions.service import Sessions
from auth.sessions.sign_in import SignIn
from auth.sessions.signing_keys import Keyring
from auth.sessions.tickets import Tickets
from auth.upkeep import Upkeep
from auth.watch import Watch
from core.clock import Clock
from core.errors import Forbidden, Unauthenticated
from core.keyvalue import KeyValue
from core.postgres import Postgres
from core.settings import Settings
from core.tasks import end_task

# For so long a proof of who one is is good enough for dangerous acts.
FRESH: Final = timedelta(minutes=15)


class Auth:
    """Who is calling, for one process.

    `postgres` and `keyvalue` are started and stopped by whoever made them, before and after this.

    Attributes:
        accounts, sessions, sign_in, factors, passwords, addresses, people, groups, invitations, api_keys,
            deletion, pictures, audit: the services.
        request_limits: the general limit of requests.
        watch: tells open connections that their session or key has ended.
        origin: tells our own page from others.
        trusted_proxies: whose X-Forwarded-For is believed.
    """

    def __init__(
        self,
        settings: Settings,
        postgres: Postgres,
        keyvalue: KeyValue,
        clock: Clock,
        *,
        hasher: Hasher | None = None,
        mail_sender: MailSender | None = None,
    ) -> None:
        may_ask = settings.unverified_accounts_may_chat
        default_budget = Budget(settings.budget_tokens_per_day, settings.budget_tokens_per_month)
        self._hasher = hasher or Argon2Hasher()
        self._store = LimitStore(keyvalue)
        self._keyring = Keyring(settings.signing_key_file)
        self._tokens = AccessTokens(self._keyring, clock, issuer=settings.public_url)
        self._revocations = Revocations(keyvalue)
        self._tickets = Tickets(keyvalue)
        limits = SignInLimits(
            self._store,
            keyvalue,
            logins_per_minute=settings.logins_per_minute,
            registrations_per_hour=settings.registrations_per_hour,
        )
        people = AccountRepository(postgres)
        links = OneTimeLinks(postgres)
        orders = MailOrders(postgres)
        factors = FactorRepository(postgres)
        public = not settings.embedded
        self._postman = Postman(
            orders, people, links, mail_sender or sender_of(settings), clock, public_url=settings.public_url
        )
        post = Post(orders, self._postman, clock)
        anchors = Anchors(settings.var_dir / "audit" / "anchors.jsonl", self._keyring)
        self.audit = AuditLog(AuditRepository(postgres), anchors, clock)
        invitations = InvitationRepository(postgres)
        self.invitations = Invitations(
            invitations, self.audit, clock, public=public, public_url=settings.public_url
        )
        self.accounts = Accounts(
            postgres,
            people,
            invitations,
            self._hasher,
            limits,
            post,
            self.audit,
            self._revocations,
            clock,
            registration=settings.effective_registration,
            public=public,
        )
        groups = GroupRepository(postgres)
        self.groups = Groups(groups, self.audit, self._revocations, clock)
        self.sessions = Sessions(
            postgres,
            SessionRepository(postgres),
            self._tokens,
            self._keyring,
            self._revocations,
            groups,
            self.audit,
            clock,
            unverified_may_ask=may_ask,
            default_budget=default_budget,
        )
        self.pictures = Pictures(PictureRepository(postgres), self.accounts)
        self.deletion = Deletion(
            DeletionRepository(postgres),
            self.accounts,
            self.sessions,
            post,
            self.audit,
            self._revocations,
            clock,
            grace=timedelta(days=settings.deletion_grace_days),
        )
        self.factors = SecondFactors(
            factors,
            self.accounts,
            limits,
            post,
            self.audit,
            self._revocations,
            clock,
        )
        self.people = People(
            PeopleRepository(postgres),
            self.sessions,
            factors,
            post,
            self.audit,
            self._revocations,
            clock,
        )
        self.passkeys = Passkeys(
            PasskeyRepository(postgres),
            PasskeyChallenges(keyvalue),
            factors,
            post,
            self.audit,
            clock,
            public_url=settings.public_url,
        )
        self.sign_in = SignIn(
            self.accounts,
            self.sessions,
            self.factors,
            Challenges(keyvalue),
            self.passkeys,
            limits,
            self.audit,
        )
        self._fetcher = Fetcher()
        self.oauth = OAuth(
            [make_provider(one, self._fetcher) for one in settings.oauth_providers],
            Transactions(keyvalue),
            IdentityRepository(postgres),
            people,
            factors,
            self.sign_in,
            limits,
            self.audit,
            clock,
            public_url=settings.public_url,
        )
        self.passwords = Passwords(
            postgres,
            people,
            links,
            self._hasher,
            self.factors,
            self.sessions,
            self.sign_in,
            limits,
            post,
            self.audit,
            self._revocations,
            clock,
        )
        self.addresses = EmailAddresses(
            postgres, people, links, limits, post, self.audit, self._revocations, clock, public=public
        )
        self.api_keys = ApiKeys(
            KeyRepository(postgres),
            groups,
            self._revocations,
            clock,
            unverified_may_ask=may_ask,
            default_budget=default_budget,
        )
        self.request_limits = RequestLimits(self._store, clock, per_minute=settings.requests_per_minute)
        self.watch = Watch(self.sessions, self.api_keys)
        self.origin = OwnOrigin(settings.public_url)
        self.trusted_proxies = TrustedProxies(settings.trusted_proxies)
        self._upkeep = Upkeep(
            self.sessions, self.api_keys, self._keyring, self._tokens, links, self.audit, clock
        )
        self._clock = clock
        self._strict_roles = frozenset(settings.roles_with_second_factor)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read the signing keys and begin to listen. Raises core.errors.SigningKeyUnusable."""
        self.read_signing_keys()
        await self._store.start()
        await self._hasher.start()
        await self._fetcher.start()
        self._revocations.listen(self.sessions.on_ended, self.sessions.cache.clear)
        self._revocations.listen(self.api_keys.on_ended, self.api_keys.cache.clear)
        self._revocations.listen(self.watch.on_ended, self.watch.on_lost)
        await self._revocations.start()
        self._tasks = [asyncio.create_task(self.watch.run()), asyncio.create_task(self._upkeep.run())]
        self._tasks.append(asyncio.create_task(self._postman.run()))

    def read_signing_keys(self) -> None:
        """For whoever needs nothing that runs. Raises core.errors.SigningKeyUnusable."""
        self._keyring.load()

    async def stop(self) -> None:
        """End what runs, and write what is still to be written."""
        for task in self._tasks:
            await end_task(task)
        self._tasks = []
        await self._revocations.stop()
        await self.api_keys.flush_uses()
        await self.request_limits.stop()
        await self.audit.stop()
        await self._fetcher.stop()
        await self._hasher.stop()

    async def authenticate_bearer(self, authorization: str | None) -> Principal:
        """Who an Authorization header belongs to. Raises Unauthenticated, Unavailable.

        For the hot path: a credential that was seen a moment ago is found without leaving this process.
        """
        if authorization is None:
            raise Unauthenticated
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
        return await self.authenticate(token)

    async def authenticate(self, token: str) -> Principal:
        """Who an API key or an access token belongs to. Raises Unauthenticated, Unavailable."""
        if token.startswith(KEY_PREFIX):
            return await self.api_keys.authenticate(token)
        return await self.sessions.authenticate(token)

    def is_fresh(self, principal: Principal) -> bool:
        """Whether the person has proved who they are within FRESH."""
        proved = principal.authenticated_at
        return proved is not None and self._clock.now() - proved < FRESH

    def needs_second_factor(self, role: Role) -> bool:
        """Whether the rights of this role need a session that was opened with a second factor."""
        return role in self._strict_roles

    async def issue_ticket(self, principal: Principal) -> str:
        """A ticket that opens one socket for this session. Raises Forbidden for a key, Unavailable."""
        if principal.session_id is None:
            raise Forbidden
        return await self._tickets.issue(principal.session_id)

    async def redeem_ticket(self, ticket: str) -> Principal:
        """Who a ticket was made for. Raises Unauthenticated, Unavailable."""
        return await self.sessions.principal_of(await self._tickets.redeem(ticket))

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public signing keys."""
        return self._keyring.jwks()
