"""What a relayed answer cost, read once, at its end."""

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


class UsageTail:
    """Watches whole frames pass by; keeps the last ones that speak of usage.

    Args:
        hide: take out the chunk that only tells the usage, because the client did not ask for it.
    """

    __slots__ = ("_hide", "_last", "ended", "frames")

    def __init__(self, *, hide: bool) -> None:
        self._hide = hide
        self._last = b""
        self.frames = 0
        self.ended = False

    def passes(self, frames: bytes) -> bytes:
        """What the client should see of these frames."""
        self.frames += frames.count(b"\n\n")
        if _USAGE in frames:
            self._last = frames
            if self._hide and (_NO_CHOICES[0] in frames or _NO_CHOICES[1] in frames):
                frames = b"".join(
                    frame + b"\n\n" for frame in frames.split(b"\n\n") if frame and not _only_usage(frame)
                )
        # Looked at closely only where it occurs: a model may write these letters too.
        if DONE in frames and any(data_of(frame) == DONE for frame in frames.split(b"\n\n")):
            self.ended = True
        return frames

    def tokens(self) -> Tokens | None:
        """What the engine said at last, or None when it did not get that far."""
        for frame in reversed(self._last.split(b"\n\n")):
            if _USAGE in frame:
                found = tokens_of(data_of(frame))
                if found is not None:
                    return found
        return None


def _only_usage(frame: bytes) -> bool:
    return _USAGE in frame and (_NO_CHOICES[0] in frame or _NO_CHOICES[1] in frame)
