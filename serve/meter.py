"""What one replica's engine really did: the figures that the gateway's ledger is compared with.

Nothing is read of the chunks of a stream but whether they carry figures; the last ones that did are decoded
once, at its end. An engine that knows better tells through `scope[USAGE]` while it works.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
import orjson

from core.ids import uuid7
from serve.seats import Seats

# Where an engine finds the Watched of its request.
USAGE: Final = "headrace.usage"
COUNTED_ROUTES: Final = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings"})
MOST_RECORDS: Final = 1_000
# A plain answer that is longer tells its usage to the caller alone.
MOST_ANSWER_BYTES: Final = 64 * 1024 * 1024

_KEY: Final = b'"usage":'
_FRAME_END: Final = b"\n\n"
_DONE: Final = b"[DONE]"
# Inside a text the quotes are escaped.
_ERROR: Final = b'"error"'

# An engine that claims more is not believed.
_Figure = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _Usage(msgspec.Struct):
    prompt_tokens: _Figure = 0
    completion_tokens: _Figure = 0


class _Body(msgspec.Struct):
    usage: _Usage | None = None


_decode: Final = msgspec.json.Decoder(_Body).decode


class Record(msgspec.Struct, frozen=True):
    """A request that did not come to its end. `exact`: False where only its frames could be counted, so that
    the engine made at least this."""

    number: int
    reference: str
    prompt_tokens: int
    completion_tokens: int
    exact: bool


@dataclass(slots=True, eq=False)
class Watched:
    """One request. `told` says that the engine keeps the two figures itself."""

    told: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    status: int = 0
    streams: bool = False
    finished: bool = False
    frames: int = 0
    last: tuple[bytes, bytes] = (b"", b"")
    parts: list[bytes] | None = None
    size: int = 0

    def starts(self, status: int, headers: Any) -> None:
        self.status = status
        self.streams = any(
            name.lower() == b"content-type" and value.startswith(b"text/event-stream")
            for name, value in headers
        )
        if not self.streams:
            self.parts = []

    def sends(self, body: bytes, *, more: bool) -> None:
        """A piece of the answer."""
        if self.streams:
            self.frames += body.count(_FRAME_END)
            if body:
                self.last = self.last[1], body
            if _KEY in body:
                # The newest two: some upstreams end with one whose usage is null.
                self.parts = [*(self.parts or [])[-1:], body]
        elif self.parts is not None:
            self.size += len(body)
            if self.size > MOST_ANSWER_BYTES:
                self.parts = None
            else:
                self.parts.append(body)
        if not more:
            self.finished = True

    @property
    def came_to_its_end(self) -> bool:
        """Whether the engine said all it had to say. A stream that broke has an error before its end."""
        if not self.finished or self.status != 200:
            return False
        return not self.streams or (_DONE in self.last[1] and not any(_ERROR in part for part in self.last))

    def figures(self) -> tuple[int, int] | None:
        """Prompt and completion tokens, as the engine said them."""
        if self.told:
            return self.prompt_tokens, self.completion_tokens
        if not self.parts:
            return None
        if not self.streams:
            return _figures_of(b"".join(self.parts))
        for part in reversed(self.parts):
            for frame in reversed(part.split(_FRAME_END)):
                if _KEY in frame:
                    found = _figures_of(frame.removeprefix(b"data:"))
                    if found is not None:
                        return found
        return None


def _figures_of(text: bytes) -> tuple[int, int] | None:
    try:
        usage = _decode(text).usage
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return (usage.prompt_tokens, usage.completion_tokens) if usage else None


class Meter:
    """Counts for one replica. Its figures only rise, from the replica's start to its end."""

    def __init__(self, replica: str, model: str, revision: str) -> None:
        # A replica that starts anew counts anew, whatever it is called.
        self.name = f"{replica}:{uuid7().hex}"
        self._started_at = time.time()
        self._model = model
        self._revision = revision
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self._records: deque[Record] = deque(maxlen=MOST_RECORDS)
        self._number = 0
        # Of an engine that has places; without them nobody waits for one.
        self.seats: Seats | None = None

    @property
    def queue(self) -> tuple[int, int]:
        """How many requests the engine works on, and how many wait for it."""
        return (self.seats.running, self.seats.waiters) if self.seats is not None else (0, 0)

    @property
    def backlog(self) -> int:
        """Tokens of the requests that run or wait: their prompts, and the most they may produce."""
        return self.seats.backlog if self.seats is not None else 0

    @property
    def last_number(self) -> int:
        """Of the newest record."""
        return self._number

    def ended(self, watched: Watched, reference: str) -> None:
        """A request is over, one way or another."""
        if watched.status not in (0, 200) and not watched.told:
            # Refused: the engine made nothing.
            return
        figures = watched.figures()
        whole = watched.came_to_its_end and figures is not None
        if figures is None and watched.status == 0:
            return
        # The first frame of a chat tells who speaks; it is no token.
        prompt, completion = figures or (0, max(0, watched.frames - 1))
        self.requests += 1
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        if not whole:
            self._number += 1
            self._records.append(
                Record(self._number, reference, prompt, completion, exact=figures is not None)
            )

    def report(self, after: int) -> bytes:
        """The figures, and the records above `after`, for `serve.usage_board.UsageBoard`."""
        return orjson.dumps(
            {
                "replica": self.name,
                "model": self._model,
                "revision": self._revision,
                "started_at": self._started_at,
                "requests": self.requests,
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
                "running": self.queue[0],
                "waiters": self.queue[1],
                "waiting": list(self.seats.waiting()) if self.seats is not None else [],
                "records": [
                    {
                        "number": record.number,
                        "reference": record.reference,
                        "prompt_tokens": record.prompt_tokens,
                        "completion_tokens": record.completion_tokens,
                        "exact": record.exact,
                    }
                    for record in self._records
                    if record.number > after
                ],
            }
        )
