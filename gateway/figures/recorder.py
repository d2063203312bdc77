"""Counts what revisions do in this process, and adds it to what is stored about once a second."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.clock import Clock
from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task
from gateway.figures.repository import FigureRepository
from gateway.figures.tables import Figures, bucket_of
from gateway.inference import Target
from gateway.usage.tables import Tokens

log = get_logger(__name__)

FLUSH_SECONDS: Final = 1.0
# A database that is away for longer than this costs figures, and nothing else.
MOST_MINUTES: Final = 5_000

Key = tuple[str, str, datetime]


@dataclass(slots=True)
class _Sum:
    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    waits: Counter[int] = field(default_factory=Counter)

    def figures(self) -> Figures:
        return Figures(self.requests, self.errors, self.prompt_tokens, self.completion_tokens, self.waits)


class FigureRecorder:
    """Takes note at once, writes soon, and once more before `stop` returns."""

    def __init__(self, repository: FigureRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._sums: dict[Key, _Sum] = defaultdict(_Sum)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="figures")

    async def stop(self) -> None:
        if self._task is None:
            return
        await end_task(self._task)
        self._task = None
        try:
            async with asyncio.timeout(3):
                await self.flush()
        except (HeadraceError, TimeoutError) as error:
            log.warning("figures.not_written_at_stop", error=repr(error))

    def saw(self, target: Target, *, failed: bool, wait: float | None, tokens: Tokens) -> None:
        """A request to a revision is over. `wait`: seconds to its first token, None where there was none."""
        minute = self._clock.now().replace(second=0, microsecond=0)
        key = target.model, target.revision, minute
        if key not in self._sums and len(self._sums) >= MOST_MINUTES:
            return
        found = self._sums[key]
        found.requests += 1
        found.errors += failed
        found.prompt_tokens += tokens.prompt
        found.completion_tokens += tokens.completion
        if wait is not None:
            found.waits[bucket_of(wait)] += 1

    async def flush(self) -> None:
        """Write what there is. Raises core.errors.Unavailable; nothing is then lost."""
        if not self._sums:
            return
        writing, self._sums = self._sums, defaultdict(_Sum)
        try:
            await self._repository.add({key: found.figures() for key, found in writing.items()})
        except BaseException:
            for key, found in writing.items():
                self._again(key, found)
            raise

    def _again(self, key: Key, found: _Sum) -> None:
        newer = self._sums[key]
        newer.requests += found.requests
        newer.errors += found.errors
        newer.prompt_tokens += found.prompt_tokens
        newer.completion_tokens += found.completion_tokens
        newer.waits.update(found.waits)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except HeadraceError as error:
                log.warning("figures.not_written", error=error.detail)
            except Exception:
                # Whatever it was, the next round is tried.
                log.exception("figures.crashed")
