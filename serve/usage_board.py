"""Where the replicas' figures come together: held by control, read by the gateway."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from core.ids import uuid7
from serve.meter import Record

MOST_REPLICAS: Final = 2_000
MOST_RECORDS: Final = 5_000
# The last figures of a replica that is gone are shown this long.
FORGET_SECONDS: Final = 3_600.0
# A replica tells about its queue at least as often as this, while it lives.
BELIEVED_SECONDS: Final = 15.0


class Report(msgspec.Struct, frozen=True):
    """What one replica has done since it started, and its newest records."""

    replica: str
    model: str
    revision: str
    # Seconds since the epoch.
    started_at: float
    requests: int
    prompt_tokens: int
    completion_tokens: int
    # Requests in the engine, those that wait for it, and who they are, the next one first.
    running: int = 0
    waiters: int = 0
    waiting: list[str] = []
    records: list[Record] = []


_decode: Final = msgspec.json.Decoder(Report).decode


@dataclass(frozen=True, slots=True)
class _Seen:
    report: Report
    at: float


class UsageBoard:
    """Attributes:
    epoch: changes when the board starts empty, so that replicas tell it their records again.
    """

    def __init__(self) -> None:
        self.epoch = uuid7().hex
        self._seen: dict[str, _Seen] = {}
        self._records: deque[tuple[int, str, Record]] = deque(maxlen=MOST_RECORDS)
        self._last = 0

    def take(self, raw: bytes) -> str:
        """One replica's report; answers the epoch. Raises msgspec.DecodeError."""
        report = _decode(raw)
        now = time.monotonic()
        for record in report.records:
            self._last += 1
            self._records.append((self._last, report.replica, record))
        self._seen.pop(report.replica, None)
        self._seen[report.replica] = _Seen(msgspec.structs.replace(report, records=[]), now)
        # Oldest report first.
        for name in list(self._seen):
            if now - self._seen[name].at <= FORGET_SECONDS and len(self._seen) <= MOST_REPLICAS:
                break
            del self._seen[name]
        return self.epoch

    def queue(self) -> dict[str, Any]:
        """Who waits for which replica, of those that have told something lately."""
        now = time.monotonic()
        return {
            "replicas": [
                {
                    "model": seen.report.model,
                    "revision": seen.report.revision,
                    "running": seen.report.running,
                    "waiters": seen.report.waiters,
                    "waiting": seen.report.waiting,
                }
                for seen in self._seen.values()
                if now - seen.at <= BELIEVED_SECONDS
            ]
        }

    def show(self, epoch: str, after: int) -> dict[str, Any]:
        """Every replica's figures, and the records above `after`, or all to whoever knows another epoch."""
        if epoch != self.epoch:
            after = 0
        return {
            "epoch": self.epoch,
            "last": self._last,
            "replicas": [
                {
                    "replica": seen.report.replica,
                    "model": seen.report.model,
                    "revision": seen.report.revision,
                    "started_at": seen.report.started_at,
                    "requests": seen.report.requests,
                    "prompt_tokens": seen.report.prompt_tokens,
                    "completion_tokens": seen.report.completion_tokens,
                }
                for seen in self._seen.values()
            ],
            "records": [
                {
                    "replica": replica,
                    "number": record.number,
                    "reference": record.reference,
                    "prompt_tokens": record.prompt_tokens,
                    "completion_tokens": record.completion_tokens,
                    "exact": record.exact,
                }
                for number, replica, record in self._records
                if number > after
            ],
        }
