"""What one revision did in a time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log10
from typing import Final

# Waits are kept on a logarithmic scale: ten buckets a decade, from a millisecond to a quarter of an hour.
_SHORTEST_SECONDS: Final = 0.001
_BUCKETS_A_DECADE: Final = 10
LAST_BUCKET: Final = 60


def bucket_of(seconds: float) -> int:
    """The bucket of a wait. Whatever is shorter or longer than the scale is in its first or last."""
    if seconds <= _SHORTEST_SECONDS:
        return 0
    return min(LAST_BUCKET, int(log10(seconds / _SHORTEST_SECONDS) * _BUCKETS_A_DECADE))


def longest_of(bucket: int) -> float:
    """The longest wait, in seconds, that is in a bucket."""
    return _SHORTEST_SECONDS * float(10 ** ((bucket + 1) / _BUCKETS_A_DECADE))


@dataclass(frozen=True, slots=True)
class Figures:
    """Requests that ended, and what became of them.

    Attributes:
        errors: requests that the engine failed; those that somebody stopped or left are none.
        waits: requests by the bucket of their time to the first token; those that had none are not in it.
        up, down: what people thought of its answers.
    """

    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    waits: Mapping[int, int] = field(default_factory=dict)
    up: int = 0
    down: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.requests + other.requests,
            self.errors + other.errors,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            Counter(self.waits) + Counter(other.waits),
            self.up + other.up,
            self.down + other.down,
        )

    def __sub__(self, earlier: "Figures") -> "Figures":
        waits = Counter(self.waits)
        waits.subtract(earlier.waits)
        return Figures(
            self.requests - earlier.requests,
            self.errors - earlier.errors,
            self.prompt_tokens - earlier.prompt_tokens,
            self.completion_tokens - earlier.completion_tokens,
            +waits,
            self.up - earlier.up,
            self.down - earlier.down,
        )

    @property
    def waited(self) -> int:
        """Requests that had a first token."""
        return sum(self.waits.values())

    def wait_quantile(self, part: float) -> float | None:
        """Seconds to the first token that this part of the requests did not exceed; None without any."""
        seen, wanted = 0, part * self.waited
        for bucket in sorted(self.waits):
            seen += self.waits[bucket]
            if seen >= wanted:
                return longest_of(bucket)
        return None

    def waited_longer(self, seconds: float) -> int:
        """Requests whose first token took longer than this; `seconds` is an end of a bucket."""
        # Half a bucket, because the ends are no exact numbers.
        most = bucket_of(seconds * 10 ** (-0.5 / _BUCKETS_A_DECADE))
        return sum(count for bucket, count in self.waits.items() if bucket > most)
