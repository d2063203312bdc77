"""Who is asked next when a request found nobody, or failed, before its first token."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from core.errors import (
    EngineFailed,
    EngineLost,
    EngineTimeout,
    HeadraceError,
    ModelNotReady,
    NoReplica,
    RateLimited,
)
from core.log import get_logger
from gateway.inference.protocol import Target

log = get_logger(__name__)

# For so long a request looks for a replica of the model that was asked for: those that died are replaced, a
# small one within that time, and the load balancer learns of it within a second or two.
PATIENCE_SECONDS: Final = 10.0
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 0.5
# So many replicas may die under one request: each had found it, so each time it looks as long again.
MOST_LOSSES: Final = 4

# No replica has begun to answer: the same request may go to another one.
_NOBODY: Final = (EngineLost, NoReplica)
# What one model could not do, the one that answers in its place may be able to.
_FAILURES: Final = (EngineFailed, EngineTimeout, ModelNotReady, RateLimited)


class Attempts:
    """The targets of one request, the first of them the one to ask first.

    This is not the retry loop of an upstream's own failures, which serve/openai_route.py has: what a replica
    answered is not asked of the same model again.

    Args:
        targets: revisions of the name that was asked for, then the one of its fallback, if it has one.
    """

    __slots__ = ("_begun", "_losses", "_pause", "_rest", "name", "target")

    def __init__(self, targets: Sequence[Target]) -> None:
        self.target = targets[0]
        self.name = targets[0].model
        self._rest = list(targets[1:])
        self._begun: float | None = None
        self._losses = 0
        self._pause = FIRST_PAUSE_SECONDS

    async def after(self, error: HeadraceError) -> Target:
        """Whom to ask now that the last one failed with `error`; waits a moment where that is the same one.

        Raises `error` where nobody is left to be asked.
        """
        if isinstance(error, EngineLost) and self._losses < MOST_LOSSES:
            self._losses += 1
            self._begun = None
        begun = self._begun = self._begun or time.monotonic()
        if isinstance(error, _NOBODY):
            # One more chance at once: the load balancer takes another replica.
            if self._pause > FIRST_PAUSE_SECONDS and self._rest:
                return self._next(error)
            if time.monotonic() - begun + self._pause <= PATIENCE_SECONDS:
                await asyncio.sleep(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
                return self.target
        elif not isinstance(error, _FAILURES) or not self._leave_name():
            raise error
        if not self._rest:
            raise error
        return self._next(error)

    def _leave_name(self) -> bool:
        """Of a failure that a replica told, other revisions of the same name are not asked."""
        while self._rest and self._rest[0].model == self.name:
            self._rest.pop(0)
        return bool(self._rest)

    def _next(self, error: HeadraceError) -> Target:
        before, self.target = self.target, self._rest.pop(0)
        self._pause, self._begun = FIRST_PAUSE_SECONDS, None
        log.warning(
            "routing.went_on",
            model=before.model,
            revision=before.revision,
            to=self.target.model,
            to_revision=self.target.revision,
            error=error.detail,
        )
        return self.target
