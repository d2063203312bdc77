"""What a request asks of an engine's time: how urgent it is, and how large."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

# What a token of most texts covers; JSON adds a little to each message, so this errs on the safe side.
_BYTES_PER_TOKEN: Final = 4


class Priority(IntEnum):
    """The values are vLLM's: the lowest is first, and the last to lose its place when memory runs out."""

    CHAT = 0
    API = 10
    JOB = 20

    @property
    def header(self) -> str:
        """As a replica reads it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Claim:
    """`tokens`: of prompt and answer together, an estimate of the most it may come to."""

    priority: Priority
    tokens: int

    @classmethod
    def of(cls, priority: Priority, body: bytes, answer: int) -> "Claim":
        """The claim of a request with this body, whose answer has at most so many tokens."""
        return cls(priority, len(body) // _BYTES_PER_TOKEN + answer)


# Of what makes no answer, such as counting tokens.
NO_CLAIM: Final = Claim(Priority.API, 0)


def ranked(body: bytes, engine: str, priority: Priority) -> bytes:
    """The JSON object `body` with the engine's own field for its priority, where the engine has one."""
    if engine != "vllm" or priority is Priority.CHAT:
        return body
    end = body.rindex(b"}")
    return b'%b,"priority":%d}' % (body[:end], priority)
