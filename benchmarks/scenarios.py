"""What is asked: the requests of each scenario, and how many at a time."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

MODEL: Final = "simulated"
REVISION: Final = "r1"
PLAIN_TOKENS: Final = 16
STREAM_TOKENS: Final = 256
PACE_MS: Final = 5.0

_WORDS: Final = "the water of the mill race turns the wheel and the wheel turns the stone "


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of load.

    Attributes:
        body_bytes: size of the request body.
        connections: how many requests run at any moment; each connection sends its next request when the
            one before is answered.
        tokens: how many tokens the engine answers with.
        pace_ms: milliseconds between two tokens of a stream; 0 is as fast as it can.
    """

    name: str
    body_bytes: int
    connections: int
    stream: bool
    tokens: int
    pace_ms: float = 0.0

    @property
    def kind(self) -> str:
        """Scenarios of one kind send the same request."""
        return self.name.rpartition("-")[0]

    def body(self) -> bytes:
        """The request. The seed and the text are fixed, so every answer has the same words."""
        asked: dict[str, Any] = {
            "model": MODEL,
            "messages": [{"role": "user", "content": ""}],
            "max_tokens": self.tokens,
            "seed": 7,
            "simulated": {"ttft_ms": 0, "token_ms": self.pace_ms, "tokens": self.tokens},
        }
        if self.stream:
            asked |= {"stream": True, "stream_options": {"include_usage": True}}
        room = max(1, self.body_bytes - len(orjson.dumps(asked)))
        asked["messages"][0]["content"] = (_WORDS * (room // len(_WORDS) + 1))[:room]
        return orjson.dumps(asked)

    def warm(self) -> bytes:
        """What each connection asks once before."""
        return plain(1, 1).body()


def plain(kilobytes: int, connections: int) -> Scenario:
    """A request that is answered in one piece."""
    return Scenario(
        f"plain-{kilobytes}KB-{connections}", kilobytes * 1024, connections, stream=False, tokens=PLAIN_TOKENS
    )


def burst(streams: int) -> Scenario:
    """256 chunks as fast as the engine can write them, each with a write of its own."""
    return Scenario(f"burst-{streams}", 1024, streams, stream=True, tokens=STREAM_TOKENS)


def paced(streams: int) -> Scenario:
    """256 chunks 5 ms apart."""
    return Scenario(f"paced-{streams}", 1024, streams, stream=True, tokens=STREAM_TOKENS, pace_ms=PACE_MS)


FULL: Final = (
    plain(1, 1),
    plain(1, 16),
    plain(100, 1),
    plain(100, 16),
    burst(1),
    burst(16),
    burst(64),
    paced(1),
    paced(16),
    paced(64),
    paced(96),
    paced(128),
    paced(192),
)
QUICK: Final = (plain(1, 1), plain(1, 16), plain(100, 1), burst(1), burst(16), paced(1), paced(16))
