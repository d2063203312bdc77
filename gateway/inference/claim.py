"""What a request asks of an engine: how urgent it is, how large, and whose cache would help it."""

from dataclasses import dataclass
from typing import Final

from core.priority import Priority

# What a token of most texts covers; JSON adds a little to each message, so this errs on the safe side.
_BYTES_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request asks for.

    Attributes:
        tokens: of prompt and answer together, an estimate of the most it may come to.
        affinity: what goes on where it began says the same each time, of letters and digits: a replica that
            has read the beginning has it in its cache. Empty: any replica.
    """

    priority: Priority
    tokens: int
    affinity: str = ""

    @classmethod
    def of(cls, priority: Priority, body: bytes, answer: int, affinity: str = "") -> "Claim":
        """The claim of a request with this body, whose answer has at most so many tokens."""
        return cls(priority, len(body) // _BYTES_PER_TOKEN + answer, affinity)


# Of what makes no answer, such as counting tokens.
NO_CLAIM: Final = Claim(Priority.API, 0)


def ranked(body: bytes, engine: str, priority: Priority) -> bytes:
    """The JSON object `body` with the engine's own field for its priority, where the engine has one."""
    if engine != "vllm" or priority is Priority.CHAT:
        return body
    end = body.rindex(b"}")
    return b'%b,"priority":%d}' % (body[:end], priority)
