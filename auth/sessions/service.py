"""Sessions: open, refresh, list and end them, and who a token belongs to."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.audit.tables import Outcome
from auth.budget import NO_BUDGET, Budget
from auth.groups.repository import GroupRepository
from auth.live_cache import LiveCache
from auth.principal import Principal, Scope, granted
from auth.revocation import Announcer, Kind
from auth.sessions.access_tokens import LIFETIME_SECONDS, AccessTokens
from auth.sessions.refresh_tokens import digest, new_refresh_token, successor
from auth.sessions.repository import SessionRepository
from auth.sessions.signing_keys import Keyring
from auth.sessions.tables import DeviceRow, SessionRow
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import NotFound, Unauthenticated
from core.ids import is_id
from core.log import get_logger
from core.postgres import Connection, Postgres

log = get_logger(__name__)

IDLE: Final = timedelta(days=14)
ABSOLUTE: Final = timedelta(days=90)
# For so long a used token is taken for that of a tab which asked at the same moment, or of a client that
# never got the answer. Later it is taken for stolen.
GRACE: Final = timedelta(seconds=10)
MOST_STEPS: Final = 16
KEEP_ENDED: Final = timedelta(days=30)

SESSION_SCOPES: Final = frozenset({Scope.ACCOUNT, Scope.CHAT, Scope.INFERENCE, Scope.USAGE})


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody who signed in or refreshed gets. Lifetimes in seconds."""

    user: UserRow
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


@dataclass(frozen=True, slots=True)
class _Live:
    principal: Principal
    expires_at: datetime


class Sessions:
    """What can be done with sessions.

    Args:
        unverified_may_ask: whether an account whose address is not verified may ask models.
        default_budget: what a person may use who was given no budget.
    """

    def __init__(
        self,
        postgres: Postgres,
        repository: SessionRepository,
        tokens: AccessTokens,
        keyring: Keyring,
        announcer: Announcer,
        groups: GroupRepository,
        audit: AuditLog,
        clock: Clock,
        *,
        unverified_may_ask: bool,
        default_budget: Budget = NO_BUDGET,
    ) -> None:
        self._postgres = postgres
        self._repository = repository
        self._tokens = tokens
        self._keyring = keyring
        self._announcer = announcer
        self._groups = groups
        self._audit = audit
        self._clock = clock
        self._unverified_may_ask = unverified_may_ask
        self._default_budget = default_budget
        self.cache: LiveCache[str, _Live] = LiveCache(self._load, clock)

    async def open(self, user: UserRow, visitor: Visitor, *, second_factor: bool) -> Grant:
        """Begin a session for somebody who has just proved who they are."""
        now = self._clock.now()
        token = new_refresh_token()
        token_hash = digest(token)
        assert token_hash is not None  # noqa: S101 - we made it
        expires_at = now + IDLE
        session_id = await self._repository.open(
            user.id,
            token_hash,
            now=now,
            expires_at=expires_at,
            visitor=visitor,
            second_factor=second_factor,
        )
        log.info("auth.session_opened", user_id=user.id, session_id=session_id)
        return self._grant(user, session_id, token, now, expires_at)

    async def of_user(self, user_id: str) -> list[DeviceRow]:
        """A person's live sessions, the one that was used last first."""
        return await self._repository.of_user(user_id, self._clock.now())

    async def end_of(self, user_id: str, session_id: str) -> None:
        """End one of a person's own sessions everywhere. Raises NotFound, also for another person's."""
        if not is_id("ses", session_id) or await self._repository.owner(session_id) != user_id:
            raise NotFound
        await self.end(session_id, "ended_by_owner")

    async def refresh(self, token: str | None, visitor: Visitor | None = None) -> Grant:
        """The next pair of tokens for a refresh token.

        A token that was used before ends its whole family, unless it was used a moment ago. Raises
        Unauthenticated.
        """
        token_hash = digest(token) if token else None
        if token is None or token_hash is None:
            raise Unauthenticated
        now = self._clock.now()
        grant: Grant | None = None
        reused: SessionRow | None = None
        async with self._postgres.transaction() as connection:
            session = await self._repository.lock_by_token(connection, token_hash)
            if session is not None and session.is_live(now):
                grant = await self._rotate(connection, session, token, token_hash, now)
                if grant is None:
                    reused = session
                    await self._repository.end(session.id, "refresh_token_reused", now, connection)
        # Only now is it committed, and may be told.
        if grant is not None:
            return grant
        if reused is not None:
            log.warning("auth.refresh_reused", session_id=reused.id, user_id=reused.user.id)
            await self._announcer.announce(Kind.SESSION, reused.id)
            await self._audit.record(
                "refresh_token.reused",
                visitor,
                actor=reused.user.id,
                target=reused.id,
                outcome=Outcome.REFUSED,
            )
        raise Unauthenticated("Your session has ended. Sign in again.")

    async def log_out(self, access_token: str | None, refresh_token: str | None) -> str | None:
        """End the session that these belong to; the access token is enough, and so is the refresh token, also
        an expired or used one. The session's id, or None where there was none to end."""
        session_id: str | None = None
        if access_token is not None:
            try:
                session_id = self._tokens.verify(access_token).session_id
            except Unauthenticated:
                session_id = None
        token_hash = digest(refresh_token) if refresh_token else None
        if session_id is None and token_hash is not None:
            session = await self._repository.find_by_token(token_hash)
            session_id = session.id if session else None
        if session_id is not None:
            await self.end(session_id, "logged_out")
        return session_id

    async def end(self, session_id: str, reason: str) -> None:
        """End one session everywhere."""
        await self._repository.end(session_id, reason, self._clock.now())
        await self._announcer.announce(Kind.SESSION, session_id)
        log.info("auth.session_ended", session_id=session_id, reason=reason)

    async def end_all_of(self, user_id: str, reason: str, *, keep: str | None = None) -> int:
        """End a person's sessions everywhere, except `keep`; how many there were."""
        ended = await self._repository.end_all_of(user_id, reason, self._clock.now(), keep=keep)
        for session_id in ended:
            await self._announcer.announce(Kind.SESSION, session_id)
        return len(ended)

    async def authenticate(self, token: str) -> Principal:
        """Who this access token belongs to. Raises Unauthenticated."""
        claims = self._tokens.verify(token)
        principal = await self.principal_of(claims.session_id)
        if principal.user_id != claims.user_id:
            raise Unauthenticated
        return principal

    async def principal_of(self, session_id: str) -> Principal:
        """Who a session belongs to, at most a few seconds old. Raises Unauthenticated where it has ended."""
        live = self.cache.peek(session_id) or await self.cache.get(session_id)
        if live is None or self._clock.now() >= live.expires_at:
            raise Unauthenticated("Your session has ended. Sign in again.")
        return live.principal

    async def live(self, session_ids: list[str]) -> set[str]:
        """Those of these sessions that are live, asked of the database."""
        return await self._repository.live(session_ids, self._clock.now())

    async def purge(self) -> None:
        """Delete what ended long ago."""
        await self._repository.purge(self._clock.now(), KEEP_ENDED)

    def on_ended(self, kind: Kind, identifier: str) -> None:
        """Forget what is cached of it."""
        if kind is Kind.SESSION:
            self.cache.forget(identifier)
        elif kind is Kind.USER:
            self.cache.forget_where(lambda live: live.principal.user_id == identifier)
        elif kind is Kind.GROUP:
            self.cache.forget_where(lambda live: live.principal.group_id == identifier)

    async def _rotate(
        self, connection: Connection, session: SessionRow, token: str, token_hash: bytes, now: datetime
    ) -> Grant | None:
        """The next pair, or None for a token that should not have come back."""
        presented, newest = await self._repository.tokens(connection, session.id, token_hash)
        if presented.used_at is None:
            following = successor(token, self._keyring.refresh_secrets()[0])
            following_hash = digest(following)
            assert following_hash is not None  # noqa: S101 - we made it
            expires_at = min(now + IDLE, session.created_at + ABSOLUTE)
            await self._repository.rotate(
                connection, session.id, presented, following_hash, now=now, expires_at=expires_at
            )
            return self._grant(session.user, session.id, following, now, expires_at)
        steps = newest.generation - presented.generation
        if now - presented.used_at > GRACE or steps > MOST_STEPS:
            return None
        # A racing tab: it gets the newest token, found again by taking the same steps.
        for secret in self._keyring.refresh_secrets():
            following = successor(token, secret, steps)
            if hmac.compare_digest(digest(following) or b"", newest.token_hash):
                return self._grant(session.user, session.id, following, now, session.expires_at)
        return None

    def _grant(
        self, user: UserRow, session_id: str, token: str, now: datetime, expires_at: datetime
    ) -> Grant:
        return Grant(
            user=user,
            access_token=self._tokens.issue(user.id, session_id),
            expires_in=LIFETIME_SECONDS,
            refresh_token=token,
            refresh_expires_in=int((expires_at - now).total_seconds()),
        )

    async def _load(self, session_id: str) -> _Live | None:
        session = await self._repository.find(session_id)
        if session is None or not session.is_live(self._clock.now()):
            return None
        user = session.user
        group = await self._groups.of(user.group_id)
        principal = Principal(
            user_id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            session_id=session.id,
            key_id=None,
            scopes=granted(SESSION_SCOPES, may_ask_models=user.verified or self._unverified_may_ask),
            authenticated_at=session.authenticated_at,
            second_factor=session.second_factor,
            models=group.models if group else None,
            budgeted=bool(self._default_budget or user.budget or (group and group.budget)),
            group_id=user.group_id,
        )
        return _Live(principal, session.expires_at)
