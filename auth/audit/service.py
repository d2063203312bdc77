"""The audit log: add, anchor, look through, and check that nobody has changed it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from auth.audit.anchors import Anchor, Anchors
from auth.audit.repository import EMPTY, AuditRepository, Head, Wanted
from auth.audit.tables import AuditRow, Outcome
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import HeadraceError
from core.log import get_logger

log = get_logger(__name__)

# A process that has added something writes the head down this often, and when it ends.
ANCHOR_EVERY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the whole log found.

    Attributes:
        events: how many rows were read.
        anchors: how many written-down heads they were compared with.
        fault: the first thing that is wrong, in one sentence; None where all is well.
        at_number: the row it was found at.
    """

    events: int
    anchors: int
    fault: str | None = None
    at_number: int | None = None


class AuditLog:
    """What can be done with the audit log."""

    def __init__(self, repository: AuditRepository, anchors: Anchors, clock: Clock) -> None:
        self._repository = repository
        self._anchors = anchors
        self._clock = clock
        self._newest = EMPTY
        self._anchored = EMPTY.number
        self._anchored_at = clock.now()

    async def record(
        self,
        action: str,
        visitor: Visitor | None,
        *,
        actor: str | None = None,
        target: str | None = None,
        outcome: Outcome = Outcome.DONE,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an event. An act is recorded by whoever does it, before it is answered.

        Raises Unavailable: what cannot be recorded is not answered as done.
        """
        self._newest = await self._repository.add(
            self._clock.now(),
            action,
            outcome,
            actor=actor,
            target=target,
            address=visitor.address if visitor else None,
            request_id=visitor.request_id if visitor else None,
            detail=detail or {},
        )
        log.info("audit", action=action, outcome=outcome, actor=actor, target=target)

    async def page(self, wanted: Wanted, *, before: int | None, limit: int) -> list[AuditRow]:
        """Events that fit, newest first, below the number `before`."""
        return await self._repository.page(wanted, before=before, limit=limit)

    async def anchor_now_and_then(self) -> None:
        """Write the newest head down, if there is a new one and it is time."""
        if self._clock.now() - self._anchored_at >= ANCHOR_EVERY:
            await self.anchor()

    async def anchor(self) -> None:
        """Write the newest head down, if this process has added one since the last time."""
        self._anchored_at = self._clock.now()
        head = self._newest
        if head.number <= self._anchored:
            return
        try:
            await asyncio.to_thread(self._anchors.add, head, self._clock.now())
        except OSError as error:
            log.error("audit.not_anchored", error=str(error))
            return
        self._anchored = head.number

    async def verify(self) -> Verdict:
        """Read the whole log, and compare it with every anchor."""
        anchors = await asyncio.to_thread(lambda: list(self._anchors.read()))
        expected: dict[int, bytes] = {}
        for anchor in anchors:
            fault = _fault_of(anchor, expected)
            if fault is not None:
                return Verdict(0, len(anchors), fault, anchor.head.number)
            expected[anchor.head.number] = anchor.head.hash
        head = EMPTY
        async for row in self._repository.oldest_first():
            fault = _fault_in(row, head, expected.get(row.number))
            if fault is not None:
                return Verdict(head.number, len(anchors), fault, head.number + 1)
            head = Head(row.number, row.hash)
        newest = max(expected, default=0)
        if newest > head.number:
            fault = f"Events {head.number + 1} to {newest} are missing at the end."
            return Verdict(head.number, len(anchors), fault, head.number + 1)
        return Verdict(head.number, len(anchors))

    async def stop(self) -> None:
        """Write the newest head down for the last time."""
        try:
            await self.anchor()
        except HeadraceError as error:
            log.error("audit.not_anchored", error=error.detail)


def _fault_of(anchor: Anchor, earlier: Mapping[int, bytes]) -> str | None:
    if anchor.signed is False:
        return "A line of the anchors' file was not written by us."
    known = earlier.get(anchor.head.number)
    if known is not None and known != anchor.head.hash:
        return f"Two anchors of event {anchor.head.number} contradict each other."
    return None


def _fault_in(row: AuditRow, head: Head, anchored: bytes | None) -> str | None:
    if row.number != head.number + 1:
        return f"Events {head.number + 1} to {row.number - 1} are missing."
    if row.previous != head.hash:
        return f"Event {row.number} does not follow event {head.number}."
    if row.right_hash != row.hash:
        return f"Event {row.number} was changed."
    if anchored is not None and anchored != row.hash:
        return f"Event {row.number} is another than the one that was anchored."
    return None
