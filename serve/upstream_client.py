"""Asks somebody else's service until it begins to answer: the one retry loop of the whole system."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import aiohttp

from models.spec import Upstream
from serve.breaker import Breaker, Open
from serve.request_bucket import RequestBucket
from serve.retry_budget import RetryBudget
from serve.upstream_errors import RouteError, retry_after

# The longest pause that a service's Retry-After can make us wait; a longer one is passed on instead.
MAX_PAUSE_S: Final = 20.0
FIRST_PAUSE_S: Final = 0.5
_RETRIED: Final = frozenset({408, 409, 429, 500, 502, 503, 504})
# With another key the same request may pass.
_OF_THE_KEY: Final = frozenset({401, 403, 429})


class UpstreamClient:
    """One service.

    Args:
        name: of our model, for what people are told.
        keys: those it accepts from us; the next is taken where it refuses or limits one.
    """

    def __init__(self, *, name: str, upstream: Upstream, base_url: str, keys: Sequence[str]) -> None:
        self._name, self._upstream = name, upstream
        self._base_url = base_url.rstrip("/")
        self.keys = tuple(keys)
        self._key = 0
        self._session: aiohttp.ClientSession | None = None
        self._budget = RetryBudget()
        self._bucket = RequestBucket(upstream.requests_per_minute)
        self.breaker = Breaker()

    async def close(self) -> None:
        """Let go of its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def first_byte(self, path: str, body: bytes) -> aiohttp.ClientResponse:
        """The answer's head, after as many tries as the spec, the budget and the deadline leave.

        Raises RouteError where nobody answers, or nobody is asked.
        """
        wait = self._bucket.take()
        if wait > 0:
            message = f"{self._name} is asked as often as it may be."
            raise RouteError(429, "rate_limit_error", "rate_limited", message, retry_after=wait)
        self._budget.earn()
        deadline = time.monotonic() + self._upstream.timeout_s
        attempt, other_keys = 0, len(self.keys) - 1
        while True:
            failure: RouteError | None = None
            pause = FIRST_PAUSE_S * 2**attempt
            try:
                response = await self._once(path, body, deadline)
            except (aiohttp.ClientError, OSError) as error:
                failure = RouteError(
                    502,
                    "server_error",
                    "upstream_unreachable",
                    f"The service behind {self._name} cannot be reached ({type(error).__name__}).",
                )
                failure.__cause__ = error
            else:
                if response.status in _OF_THE_KEY and other_keys > 0:
                    other_keys -= 1
                    self._key = (self._key + 1) % len(self.keys)
                    response.close()
                    continue
                if response.status not in _RETRIED:
                    return response
                asked = retry_after(response.headers.get("retry-after"))
                pause = pause if asked is None else asked
                if pause > MAX_PAUSE_S:
                    return response
            last = attempt >= self._upstream.max_retries or time.monotonic() + pause > deadline
            if last or not self._budget.spend():
                if failure is not None:
                    raise failure
                return response
            if failure is None:
                response.close()
            attempt += 1
            await asyncio.sleep(pause)

    def broke_off(self) -> None:
        """An answer that had begun was cut."""
        self.breaker.failed(False)

    async def _once(self, path: str, body: bytes, deadline: float) -> aiohttp.ClientResponse:
        try:
            probe = self.breaker.admit()
        except Open as wait:
            raise RouteError(
                503,
                "server_error",
                "upstream_failed",
                f"The service behind {self._name} has failed again and again; it is left alone for a moment.",
                retry_after=wait.seconds,
            ) from None
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0.001)):
                response = await self._client().post(
                    f"{self._base_url}{path}",
                    data=body,
                    allow_redirects=False,
                    headers={
                        "authorization": f"Bearer {self.keys[self._key]}",
                        "content-type": "application/json",
                    },
                )
        except TimeoutError:
            self.breaker.failed(probe)
            raise RouteError(
                504,
                "server_error",
                "upstream_timeout",
                f"The service behind {self._name} does not answer.",
            ) from None
        except (aiohttp.ClientError, OSError):
            self.breaker.failed(probe)
            raise
        except BaseException:
            self.breaker.abandoned(probe)
            raise
        # Whoever refuses or limits us lives.
        if response.status >= 500:
            self.breaker.failed(probe)
        else:
            self.breaker.succeeded(probe)
        return response

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._upstream.max_concurrency, keepalive_timeout=30),
                # Deadlines are ours: one until the first byte, one between two pieces.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                auto_decompress=False,
                headers={"accept-encoding": "identity", "user-agent": "headrace"},
            )
        return self._session
