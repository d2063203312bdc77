"""What a relayed answer cost, read once, at its end."""

from collections import deque
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from gateway.inference.sse import DONE, data_of
from gateway.usage.tables import Tokens

_USAGE: Final = b'"usage"'
_NO_CHOICES: Final = (b'"choices":[]', b'"choices": []')


# What the ledger's columns hold; an engine that claims more is not believed.
_Figure = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _Usage(msgspec.Struct):
    prompt_tokens: _Figure
    completion_tokens: _Figure = 0


class _Body(msgspec.Struct):
    usage: _Usage | None = None


_decode: Final = msgspec.json.Decoder(_Body).decode


def tokens_of(body: bytes) -> Tokens | None:
    """The usage of a whole answer, or None when it does not say."""
    try:
        usage = _decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Tokens(usage.prompt_tokens, usage.completion_tokens) if usage else None


# Usage and [DONE] come last, each in a piece of its own or together, and some upstreams add a comment.
_KEPT_PIECES: Final = 4


class UsageTail:
    """Watches whole frames pass by; keeps the last ones, and looks into them when the stream has ended.

    Args:
        hide: take out the chunk that only tells the usage, because the client did not ask for it.
    """

    __slots__ = ("_hide", "_last", "frames")

    def __init__(self, *, hide: bool) -> None:
        self._hide = hide
        self._last: deque[bytes] = deque(maxlen=_KEPT_PIECES)
        self.frames = 0

    def passes(self, frames: bytes) -> bytes:
        """What the client should see of these frames."""
        self.frames += frames.count(b"\n\n")
        self._last.append(frames)
        if self._hide and _only_usage(frames):
            return b"".join(
                frame + b"\n\n" for frame in frames.split(b"\n\n") if frame and not _only_usage(frame)
            )
        return frames

    @property
    def ended(self) -> bool:
        """Whether the engine has said that this was all."""
        return any(DONE in frame and data_of(frame) == DONE for frame in self._frames())

    def tokens(self) -> Tokens | None:
        """What the engine said at last, or None when it did not get that far."""
        for frame in self._frames():
            if _USAGE in frame:
                found = tokens_of(data_of(frame))
                if found is not None:
                    return found
        return None

    def _frames(self) -> Iterator[bytes]:
        """Those that are kept, the newest first."""
        for piece in reversed(self._last):
            yield from reversed(piece.split(b"\n\n"))


def _only_usage(frame: bytes) -> bool:
    return _USAGE in frame and (_NO_CHOICES[0] in frame or _NO_CHOICES[1] in frame)
