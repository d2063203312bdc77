"""Compares the ledger with the engines' own counters, and says so when they differ."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from core.clock import Clock
from core.leader import Leader
from core.log import get_logger
from core.postgres import Postgres
from gateway.metrics import LEDGER_COMPARISONS, LEDGER_DIFFERENCE, LEDGER_ESTIMATED, LEDGER_MISMATCHES
from gateway.usage.comparison import Comparison, Sums
from gateway.usage.engines import EngineUsage

log = get_logger(__name__)

INTERVAL_SECONDS: Final = 5.0
# A big ledger takes long to add up: no more than this part of the database's time is spent on it.
SHARE: Final = 0.05
# One leader at a time, whichever gateway process holds this lock.
LEADER_LOCK: Final = 0x4EAD_0003
# A difference of work under way moves from look to look; one that stays is a mistake.
LOOKS: Final = 3
# Entries older than this change no more, so they are added up once.
SETTLED_AFTER: Final = timedelta(days=2)


class LedgerReconciler:
    """A loop that compares. Two leaders for a moment do no harm: every write is idempotent.

    Args:
        lock: only tests with several of these at once give another one.
    """

    def __init__(
        self,
        postgres: Postgres,
        comparison: Comparison,
        source: EngineUsage,
        clock: Clock,
        *,
        lock: int = LEADER_LOCK,
    ) -> None:
        self._comparison = comparison
        self._source = source
        self._clock = clock
        self._leader = Leader(postgres, name="ledger-reconciler", lock=lock, work=self._round, left=_forget)
        self._epoch = ""
        self._after = 0
        self._closed: tuple[datetime, datetime, Mapping[str, Sums]] | None = None
        self._stays: dict[tuple[str, str], tuple[int, int]] = {}

    async def start(self) -> None:
        await self._leader.start()

    async def stop(self) -> None:
        await self._leader.stop()

    async def step(self) -> float:
        """Fetch, apply and compare once; the database's seconds. Raises core.errors.Unavailable."""
        report = await self._source.usage(self._epoch, self._after)
        # A serving side that is slow to answer, as one that starts is, costs the database nothing.
        begun = time.monotonic()
        await self._comparison.store(report.replicas, report.records)
        self._epoch, self._after = report.epoch, report.last
        applied = await self._comparison.apply()
        if applied:
            log.info("ledger.reconciled", entries=applied)
        await self._compare()
        return time.monotonic() - begun

    async def _compare(self) -> None:
        since = await self._comparison.since()
        if since is None:
            return
        ledger = await self._ledger(since)
        engines = await self._comparison.engines()
        for model in ledger.keys() | engines.keys():
            booked, did = ledger.get(model, Sums()), engines.get(model, Sums())
            self._show(model, "prompt", did.prompt - booked.prompt, booked.estimated_prompt)
            self._show(model, "completion", did.completion - booked.completion, booked.estimated_completion)
        LEDGER_COMPARISONS.inc()

    async def _ledger(self, since: datetime) -> Mapping[str, Sums]:
        now = self._clock.now()
        boundary = (now - SETTLED_AFTER).replace(hour=0, minute=0, second=0, microsecond=0)
        boundary = max(since, boundary)
        if self._closed is None or self._closed[:2] != (since, boundary):
            self._closed = since, boundary, await self._comparison.ledger(since, boundary)
        whole = dict(self._closed[2])
        recent = await self._comparison.ledger(boundary, now + timedelta(days=1))
        for model, sums in recent.items():
            whole[model] = whole.get(model, Sums()) + sums
        return whole

    def _show(self, model: str, kind: str, difference: int, estimated: int) -> None:
        LEDGER_DIFFERENCE.labels(model, kind).set(difference)
        LEDGER_ESTIMATED.labels(model, kind).set(estimated)
        before, looks = self._stays.get((model, kind), (0, 0))
        looks = looks + 1 if difference == before else 1
        self._stays[model, kind] = difference, looks
        if difference and looks == LOOKS:
            LEDGER_MISMATCHES.labels(model, kind).inc()
            log.error("ledger.differs", model=model, kind=kind, difference=difference, estimated=estimated)

    async def _round(self) -> float:
        took = await self.step()
        return max(INTERVAL_SECONDS, took / SHARE)


def _forget() -> None:
    """The figures are the next leader's now."""
    LEDGER_DIFFERENCE.clear()
    LEDGER_ESTIMATED.clear()
