"""API keys: make, list, revoke, and who a key belongs to."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import EllipsisType
from typing import Final

from auth.api_keys.repository import KeyRepository
from auth.api_keys.tables import KeyRow
from auth.budget import NO_BUDGET, Budget
from auth.groups.repository import GroupRepository
from auth.live_cache import LiveCache
from auth.principal import KEY_SCOPES, Principal, Scope, both, granted
from auth.revocation import Announcer, Kind
from core.clock import Clock
from core.errors import Conflict, NotFound, Unauthenticated, Unavailable
from core.ids import is_id, new_secret
from core.log import get_logger

log = get_logger(__name__)

PREFIX: Final = "hr-"
SHOWN_LENGTH: Final = 9
MOST_KEYS: Final = 100
MOST_PENDING_USES: Final = 20_000
_FORM: Final = re.compile(r"hr-[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class _Live:
    principal: Principal
    expires_at: datetime | None


class ApiKeys:
    """What can be done with API keys.

    A key is 256 random bits, so a plain SHA-256 of it is stored: there is nothing to guess that a slow hash
    would protect.
    """

    def __init__(
        self,
        repository: KeyRepository,
        groups: GroupRepository,
        announcer: Announcer,
        clock: Clock,
        *,
        unverified_may_ask: bool,
        default_budget: Budget = NO_BUDGET,
    ) -> None:
        self._repository = repository
        self._groups = groups
        self._announcer = announcer
        self._clock = clock
        self._unverified_may_ask = unverified_may_ask
        self._default_budget = default_budget
        self._uses: dict[str, datetime] = {}
        self.cache: LiveCache[bytes, _Live] = LiveCache(self._load, clock)

    async def create(
        self,
        user_id: str,
        name: str,
        expires_in_days: int | None,
        budget: Budget = NO_BUDGET,
        *,
        scopes: frozenset[Scope] = frozenset({Scope.INFERENCE}),
        models: Sequence[str] | None = None,
        requests_per_minute: int | None = None,
    ) -> tuple[KeyRow, str]:
        """A new key and its text, which is not kept. `models` None: it may ask all of them;
        `requests_per_minute` None: as many as its person.

        Raises Conflict where the person has MOST_KEYS.
        """
        now = self._clock.now()
        until = now + timedelta(days=expires_in_days) if expires_in_days else None
        return await self._make(user_id, name, sorted(scopes), models, until, budget, requests_per_minute)

    async def rotate(self, user_id: str, key_id: str, overlap: timedelta) -> tuple[KeyRow, str]:
        """A new key in place of another, which stays good for `overlap`. The new one
        lasts as long as the other was made to. Raises NotFound, Conflict.
        """
        old = await self._repository.one_of(user_id, key_id) if is_id("key", key_id) else None
        if old is None:
            raise NotFound
        now = self._clock.now()
        until = now + (old.expires_at - old.created_at) if old.expires_at else None
        made = await self._make(
            user_id, old.name, old.scopes, old.models, until, old.budget, old.requests_per_minute
        )
        await self._repository.end_at(user_id, key_id, now + overlap)
        # Of the person, not of the key: the announcement of a key says that it has ended.
        await self._announcer.announce(Kind.USER, user_id)
        log.info("auth.key_rotated", key_id=key_id, user_id=user_id)
        return made

    async def _make(
        self,
        user_id: str,
        name: str,
        scopes: Sequence[str],
        models: Sequence[str] | None,
        until: datetime | None,
        budget: Budget,
        requests_per_minute: int | None,
    ) -> tuple[KeyRow, str]:
        now = self._clock.now()
        text = new_secret(PREFIX)
        key = await self._repository.add(
            user_id,
            name=name,
            prefix=text[:SHOWN_LENGTH],
            key_hash=_hash(text),
            scopes=scopes,
            models=models,
            now=now,
            expires_at=until,
            budget=budget,
            requests_per_minute=requests_per_minute,
            most=MOST_KEYS,
        )
        if key is None:
            raise Conflict(f"You have {MOST_KEYS} keys, which is the most. Delete one first.")
        log.info("auth.key_created", key_id=key.id, user_id=user_id)
        return key, text

    async def of_user(self, user_id: str) -> list[KeyRow]:
        """A person's keys, newest first."""
        return await self._repository.of_user(user_id)

    async def change(
        self,
        user_id: str,
        key_id: str,
        *,
        budget: Budget | EllipsisType = ...,
        requests_per_minute: int | EllipsisType | None = ...,
    ) -> KeyRow:
        """How much a key may do; what is left out stays. Raises NotFound, also for another person's key."""
        old = await self._repository.one_of(user_id, key_id) if is_id("key", key_id) else None
        if old is None:
            raise NotFound
        budget = old.budget if isinstance(budget, EllipsisType) else budget
        if isinstance(requests_per_minute, EllipsisType):
            requests_per_minute = old.requests_per_minute
        key = await self._repository.change(
            user_id, key_id, budget=budget, requests_per_minute=requests_per_minute
        )
        if key is None:
            raise NotFound
        # Of the person, not of the key: the announcement of a key says that it has ended.
        await self._announcer.announce(Kind.USER, user_id)
        log.info("auth.key_changed", key_id=key_id, day=budget.day, month=budget.month)
        return key

    async def revoke(self, user_id: str, key_id: str) -> None:
        """End a key everywhere. Raises NotFound, also for another person's key."""
        if not is_id("key", key_id) or not await self._repository.revoke(user_id, key_id, self._clock.now()):
            raise NotFound
        await self._announcer.announce(Kind.KEY, key_id)
        log.info("auth.key_revoked", key_id=key_id, user_id=user_id)

    async def authenticate(self, text: str) -> Principal:
        """Who this key belongs to; for one that was used a moment ago a hash and a look into a dictionary.

        Raises Unauthenticated, Unavailable.
        """
        if not _FORM.fullmatch(text):
            raise Unauthenticated("This API key is not valid.")
        key_hash = _hash(text)
        live = self.cache.peek(key_hash) or await self.cache.get(key_hash)
        now = self._clock.now()
        if live is None or (live.expires_at is not None and now >= live.expires_at):
            raise Unauthenticated("This API key is not valid, or it was revoked or has expired.")
        key_id = live.principal.key_id
        if key_id is not None and (key_id in self._uses or len(self._uses) < MOST_PENDING_USES):
            self._uses[key_id] = now
        return live.principal

    async def live(self, key_ids: list[str]) -> set[str]:
        """Those of these keys that are live, asked of the database."""
        return await self._repository.live(key_ids, self._clock.now())

    async def flush_uses(self) -> None:
        """Store when keys were last used since the last call."""
        if not self._uses:
            return
        uses, self._uses = self._uses, {}
        try:
            await self._repository.note_uses(uses)
        except Unavailable:
            # It is for display only: kept for the next time, where nothing newer has come.
            self._uses = {**uses, **self._uses}

    def on_ended(self, kind: Kind, identifier: str) -> None:
        """Forget what is cached of it."""
        if kind is Kind.KEY:
            self.cache.forget_where(lambda live: live.principal.key_id == identifier)
        elif kind is Kind.USER:
            self.cache.forget_where(lambda live: live.principal.user_id == identifier)
        elif kind is Kind.GROUP:
            self.cache.forget_where(lambda live: live.principal.group_id == identifier)

    async def _load(self, key_hash: bytes) -> _Live | None:
        found = await self._repository.find(key_hash, self._clock.now())
        if found is None:
            return None
        key, user = found
        group = await self._groups.of(user.group_id)
        own = None if key.models is None else frozenset(key.models)
        scopes = frozenset(Scope(scope) for scope in key.scopes) & KEY_SCOPES
        principal = Principal(
            user_id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            session_id=None,
            key_id=key.id,
            scopes=granted(scopes, may_ask_models=user.verified or self._unverified_may_ask),
            models=both(own, group.models if group else None),
            budgeted=bool(self._default_budget or user.budget or key.budget or (group and group.budget)),
            requests_per_minute=key.requests_per_minute,
            group_id=user.group_id,
        )
        return _Live(principal, key.expires_at)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
