"""The general limit of requests: a block of them is leased from Valkey and spent here without asking."""

import asyncio
import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from limits import RateLimitItemPerSecond

from auth.limits.store import LimitStore
from auth.principal import Principal
from core.clock import Clock
from core.errors import RateLimited, Unavailable
from core.log import get_logger

log = get_logger(__name__)

WINDOW_SECONDS: Final = 60
# One lease is this part of the limit: how much two processes may differ in what they believe is left.
PARTS: Final = 20
# Valkey is asked with little patience here, and left alone for a while after it failed.
DEADLINE_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 2.0
MOST_SUBJECTS: Final = 20_000


class Allowance(NamedTuple):
    """What is left after this request; `reset` in seconds until all of `limit` is free again."""

    limit: int
    remaining: int
    reset: float

    def fields(self) -> tuple[tuple[bytes, bytes], ...]:
        """The header fields of draft-ietf-httpapi-ratelimit-headers: whoever waits `t` seconds at `r=0` is
        not refused."""
        return (
            (b"ratelimit-policy", b'"requests";q=%d;w=%d' % (self.limit, WINDOW_SECONDS)),
            (b"ratelimit", b'"requests";r=%d;t=%d' % (self.remaining, math.ceil(self.reset))),
        )


@dataclass(slots=True)
class _Lease:
    limit: int
    left: int = 0
    elsewhere: int = 0
    ends_at: float = 0.0
    free_at: float = 0.0
    refused_until: float = 0.0
    alone_left: int = 0
    alone_until: float = 0.0
    refill: asyncio.Task[None] | None = None


class RequestLimits:
    """Requests a minute for each person and surface ("api" or "v1"), and for keys that have a limit of their
    own.

    The count is a sliding minute shared by all processes. It fails open: without Valkey each process gives
    out leases by itself at the same pace, so a person then has the limit once in every process.

    Args:
        per_minute: what everybody has.
        window: seconds that are a minute; only tests, which cannot wait, have another one.
    """

    def __init__(
        self, store: LimitStore, clock: Clock, *, per_minute: int, window: int = WINDOW_SECONDS
    ) -> None:
        self._store = store
        self._clock = clock
        self._limit = per_minute
        self._window = window
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._away_until = 0.0

    async def take_for(self, principal: Principal, surface: str) -> Allowance:
        """Count one request of somebody, and of their key where that has a limit of its own; what is left of
        the one that has less. Raises RateLimited with the seconds to wait."""
        of_key = None
        if principal.key_id is not None and principal.requests_per_minute is not None:
            # First, so that what a key may not do costs its person nothing.
            of_key = await self.take(principal.key_id, surface, per_minute=principal.requests_per_minute)
        of_person = await self.take(principal.user_id, surface)
        return of_person if of_key is None or of_person.remaining < of_key.remaining else of_key

    async def take(self, subject: str, surface: str = "api", *, per_minute: int | None = None) -> Allowance:
        """Count one request. Raises RateLimited with the seconds to wait."""
        limit = per_minute or self._limit
        while True:
            allowance = self._take_leased(subject, surface, limit)
            if allowance is not None:
                return allowance
            lease = self._lease((subject, surface), limit)
            if lease.refill is None:
                lease.refill = asyncio.create_task(self._refill(lease, subject, surface))
            await asyncio.shield(lease.refill)

    def _take_leased(self, subject: str, surface: str, limit: int) -> Allowance | None:
        """Like `take`, without waiting: None where a new lease has to be asked for."""
        lease = self._leases.get((subject, surface))
        if lease is None or lease.limit != limit:
            return None
        now = self._clock.monotonic()
        if lease.left > 0 and now < lease.ends_at:
            lease.left -= 1
            return Allowance(limit, lease.left + lease.elsewhere, max(0.0, lease.free_at - now))
        if now < lease.refused_until:
            nothing = Allowance(limit, 0, max(0.0, lease.free_at - now))
            raise RateLimited(
                retry_after=math.ceil(lease.refused_until - now),
                headers=_api_fields(nothing) if surface == "api" else _openai_fields(nothing),
            )
        return None

    def look(self, user_id: str, surface: str = "api") -> Allowance:
        """What is left as far as this process knows, without counting a request and without asking."""
        lease = self._leases.get((user_id, surface))
        now = self._clock.monotonic()
        if lease is None or now >= max(lease.ends_at, lease.refused_until):
            return Allowance(self._limit, self._limit, 0.0)
        left = 0 if now < lease.refused_until else lease.left + lease.elsewhere
        return Allowance(self._limit, left, max(0.0, lease.free_at - now))

    async def stop(self) -> None:
        """End what is under way."""
        for lease in self._leases.values():
            if lease.refill is not None:
                lease.refill.cancel()
        self._leases.clear()

    def _lease(self, key: tuple[str, str], limit: int) -> _Lease:
        lease = self._leases.get(key)
        if lease is None or lease.limit != limit:
            if len(self._leases) >= MOST_SUBJECTS:
                # The oldest goes; what it had left is lost to its owner for a minute.
                del self._leases[next(iter(self._leases))]
            lease = self._leases[key] = _Lease(limit)
        return lease

    async def _refill(self, lease: _Lease, subject: str, surface: str) -> None:
        now = self._clock.monotonic()
        try:
            if now < self._away_until:
                self._grant_alone(lease, now)
                return
            try:
                await self._refill_from_store(lease, (subject, surface), now)
            except Unavailable:
                log.warning("auth.limits_counted_alone", seconds=RETRY_SECONDS)
                self._away_until = now + RETRY_SECONDS
                self._grant_alone(lease, now)
        finally:
            lease.refill = None

    async def _refill_from_store(self, lease: _Lease, who: tuple[str, str], now: float) -> None:
        item = RateLimitItemPerSecond(lease.limit, self._window, namespace="requests")
        # Near the limit a whole block does not fit any more, but single requests still do.
        for cost in dict.fromkeys((_block(lease.limit), 1)):
            if await self._store.hit(item, *who, cost=cost, deadline=DEADLINE_SECONDS):
                window = await self._store.window(item, *who, deadline=DEADLINE_SECONDS)
                lease.left = cost
                lease.elsewhere = window.remaining
                # Older than the window, what was leased has been given back there already.
                lease.ends_at = now + self._window
                lease.free_at = now + window.free_in
                return
        window = await self._store.window(item, *who, deadline=DEADLINE_SECONDS)
        lease.left = 0
        lease.refused_until = now + max(1.0, window.next_in)
        lease.free_at = now + window.free_in

    def _grant_alone(self, lease: _Lease, now: float) -> None:
        """The next block of a minute that only this process counts."""
        if now >= lease.alone_until:
            lease.alone_until = now + self._window
            lease.alone_left = lease.limit
        lease.left = min(_block(lease.limit), lease.alone_left)
        lease.alone_left -= lease.left
        lease.elsewhere = lease.alone_left
        lease.ends_at = lease.free_at = lease.alone_until
        if lease.left == 0:
            lease.refused_until = lease.alone_until


def _block(limit: int) -> int:
    """How much is leased at once."""
    return max(1, limit // PARTS)


def _api_fields(allowance: Allowance) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in allowance.fields()}


def _openai_fields(allowance: Allowance) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": str(allowance.limit),
        "x-ratelimit-remaining-requests": str(allowance.remaining),
        "x-ratelimit-reset-requests": f"{allowance.reset:.3f}s",
    }
