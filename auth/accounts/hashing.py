"""Hashes passwords with argon2id, off the event loop."""

import asyncio
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from passlib.handlers.argon2 import argon2

from core.errors import Overloaded
from core.log import get_logger

log = get_logger(__name__)

T = TypeVar("T")

# OWASP's and RFC 9106's floor for argon2id with one lane.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
MOST_WAITING: Final = 64
# Niceness of the hashing threads, of at most 19.
BEHIND_STREAMS: Final = 15


class Hasher(Protocol):
    """What accounts need of a password hasher."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def hash(self, password: str) -> str:
        """A fresh salted hash. Raises core.errors.Overloaded."""
        ...

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether they belong together; with None the same work is done and the answer is False.
        Raises core.errors.Overloaded."""
        ...

    def is_weak(self, password_hash: str) -> bool:
        """Whether the hash was made with less than what is used now."""
        ...


class Argon2Hasher:
    """A few threads with a bounded queue before them: argon2 is heavy on purpose, and a flood of sign-ins
    must not take the memory or delay everything else."""

    def __init__(
        self,
        *,
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        threads: int | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._scheme = argon2.using(type="ID", memory_cost=memory_kib, rounds=passes, parallelism=LANES)
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._most_waiting = most_waiting
        self._waiting = 0
        self._pool: ThreadPoolExecutor | None = None
        self._decoy = ""

    async def start(self) -> None:
        """Make the threads, and the hash that stands in where there is none."""
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="argon2", initializer=_step_back)
        self._decoy = await self.hash(secrets.token_urlsafe(32))

    async def stop(self) -> None:
        """End the threads; what still waits is dropped."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: str(self._scheme.hash(password)))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        return await self._run(lambda: self._verify(password, password_hash))

    def is_weak(self, password_hash: str) -> bool:
        try:
            used = argon2.from_string(password_hash)
        except (ValueError, TypeError):
            return True
        wanted = self._scheme
        return bool(
            used.type != wanted.type
            or used.version < wanted.version
            or used.memory_cost < wanted.memory_cost
            or used.rounds < wanted.default_rounds
        )

    def _verify(self, password: str, password_hash: str | None) -> bool:
        try:
            fits: bool = self._scheme.verify(password, password_hash or self._decoy)
        except (ValueError, TypeError):
            # A row that somebody wrote by hand. It opens nothing.
            log.error("auth.password_hash_unreadable")
            return False
        return fits and password_hash is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pool is None or self._waiting >= self._most_waiting:
            raise Overloaded(
                "Too many people are signing in right now. Try again in a moment.", retry_after=2
            )
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._done)
        return await future

    def _done(self, _: object) -> None:
        self._waiting -= 1


def _step_back() -> None:
    """Lets streams that run go first: a wave of sign-ins takes what they leave of the processor."""
    if sys.platform == "linux":
        # Of this thread alone, as Linux counts niceness.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND_STREAMS)
