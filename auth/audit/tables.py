"""Rows of the audit log, and how they are chained."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self

import orjson

from core.postgres import Record

AUDIT_COLUMNS: Final = (
    "number, at, action, outcome, actor, target, address, request_id, detail, previous, hash"
)
# What the first row is bound to.
GENESIS: Final = hashlib.sha256(b"headrace audit log").digest()


class Outcome(StrEnum):
    """What came of it."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One event. `actor` and `target` are ids, or None where nobody and nothing is known."""

    number: int
    at: datetime
    action: str
    outcome: Outcome
    actor: str | None
    target: str | None
    address: str | None
    request_id: str | None
    detail: Mapping[str, Any]
    previous: bytes
    hash: bytes

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds AUDIT_COLUMNS."""
        return cls(
            number=record["number"],
            at=record["at"],
            action=record["action"],
            outcome=Outcome(record["outcome"]),
            actor=record["actor"],
            target=record["target"],
            address=record["address"],
            request_id=record["request_id"],
            detail=record["detail"],
            previous=bytes(record["previous"]),
            hash=bytes(record["hash"]),
        )

    @property
    def right_hash(self) -> bytes:
        """The hash that belongs to the other fields."""
        return chained(
            self.previous,
            self.number,
            self.at,
            self.action,
            self.outcome,
            (self.actor, self.target, self.address, self.request_id),
            self.detail,
        )


def chained(
    previous: bytes,
    number: int,
    at: datetime,
    action: str,
    outcome: Outcome,
    texts: tuple[str | None, ...],
    detail: Mapping[str, Any],
) -> bytes:
    """SHA-256 over one row and the hash of the row before it. Times count in microseconds, in UTC."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    row = [previous.hex(), number, moment, action, outcome.value, *texts, detail]
    return hashlib.sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).digest()
