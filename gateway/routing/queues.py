"""Who waits for which engine, as the replicas say about once a second."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Final, Protocol

import msgspec

from core.errors import HeadraceError
from core.log import get_logger

log = get_logger(__name__)

# Replicas do not tell more often.
FRESH_SECONDS: Final = 0.8
# Nobody waits longer than this to be told how long others wait.
DEADLINE_SECONDS: Final = 2.0
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class ReplicaQueue(msgspec.Struct, frozen=True):
    """One replica: requests in its engine, and those that wait for a place, the next one first.

    `waiting` holds what those requests are called; of a very long queue only its beginning.
    """

    model: str
    revision: str
    running: _Count
    waiters: _Count
    waiting: list[str]


class AsksQueues(Protocol):
    """Where they come from."""

    async def queues(self) -> Sequence[ReplicaQueue]:
        """Raises core.errors.Unavailable."""
        ...


class Queues:
    """The last answer, asked anew when somebody looks at it and it is older than a second."""

    def __init__(self, control: AsksQueues) -> None:
        self._control = control
        self._known: Sequence[ReplicaQueue] = ()
        self._asked_at = -FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def now(self) -> Sequence[ReplicaQueue]:
        """Empty where the serving side does not say."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= FRESH_SECONDS:
                try:
                    async with asyncio.timeout(DEADLINE_SECONDS):
                        self._known = await self._control.queues()
                except (HeadraceError, TimeoutError) as error:
                    log.warning("queues.unknown", error=repr(error))
                    self._known = ()
                self._asked_at = time.monotonic()
            return self._known
