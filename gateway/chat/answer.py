"""An answer as it grows out of an engine's stream."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from core.errors import EngineFailed, HeadraceError, ModelNotReady, RateLimited
from gateway.inference.sse import DONE, FrameBuffer, data_of

# What the ledger's columns hold; an engine that claims more is not believed.
MOST_TOKENS = 2**31 - 1


class Answer:
    """Collects text, finish reason and usage from the frames of a chat completion stream.

    Attributes:
        text: everything the model has written, in pieces; see `joined`.
        delta_ends: the length in characters after each piece that was announced.
        done: whether the stream said that it was complete.
        failure: what the stream said went wrong, or that it cannot be read.
    """

    def __init__(self) -> None:
        self._buffer = FrameBuffer()
        self._pieces: list[str] = []
        self.length = 0
        self.delta_ends: list[int] = []
        self.finish_reason: str | None = None
        self.done = False
        self.usage: tuple[int, int] | None = None
        self.frames = 0
        self.failure: EngineFailed | None = None

    def feed(self, chunk: bytes) -> str:
        """The new text in `chunk`, all its frames joined; empty when there is none.

        Raises core.errors.EngineFailed when the bytes never become a frame. What else is wrong with the
        stream is in `failure`, so that the text before it is not lost.
        """
        frames = self._buffer.feed(chunk)
        if not frames:
            return ""
        new: list[str] = []
        for frame in frames.split(b"\n\n"):
            data = data_of(frame)
            if not data:
                continue
            if data == DONE:
                self.done = True
                continue
            try:
                text = self._take(orjson.loads(data))
            except EngineFailed as error:
                self.failure = error
                break
            except (ValueError, KeyError, TypeError, AttributeError, IndexError):
                self.failure = EngineFailed("The model sent an answer that cannot be read.")
                break
            if text:
                new.append(text)
                self.frames += 1
        if not new:
            return ""
        piece = "".join(new)
        self._pieces.append(piece)
        self.length += len(piece)
        self.delta_ends.append(self.length)
        return piece

    @property
    def text(self) -> str:
        """Everything so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def _take(self, chunk: Mapping[str, Any]) -> str:
        if "error" in chunk:
            raise EngineFailed(_sentence(chunk["error"]))
        usage = chunk.get("usage")
        if usage:
            self.usage = _figures(usage) or self.usage
        text = ""
        for choice in chunk["choices"]:
            text += choice["delta"].get("content") or ""
            if choice.get("finish_reason"):
                self.finish_reason = _storable(str(choice["finish_reason"]))
        return _storable(text)


def _figures(usage: Mapping[str, Any]) -> tuple[int, int] | None:
    """Prompt and completion tokens, or None for figures that cannot be true."""
    figures = int(usage["prompt_tokens"]), int(usage.get("completion_tokens") or 0)
    return figures if all(0 <= figure <= MOST_TOKENS for figure in figures) else None


def _storable(text: str) -> str:
    """PostgreSQL's text holds every character but this one, and an answer must not be lost for it."""
    return text.replace("\x00", "\ufffd")


# Statuses that mean "nobody is there now", from the load balancer or from the engine.
_NOT_READY = frozenset({404, 502, 503, 504})


def refusal(status: int, body: bytes, retry_after: str | None) -> HeadraceError:
    """What an engine's answer with an error status means to a person."""
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else 5.0
    make: Callable[..., HeadraceError]
    try:
        detail: str | None = _sentence(orjson.loads(body)["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        detail = None
    if status in _NOT_READY:
        return ModelNotReady(detail if status == 503 else None, retry_after=seconds)
    if status == 429:
        return RateLimited("The model has too much to do. Try again in a moment.", retry_after=seconds)
    make = EngineFailed
    return make(f"The model refused this: {detail}" if detail and status < 500 else None)


def _sentence(error: object) -> str:
    if isinstance(error, Mapping) and isinstance(error.get("message"), str):
        return _storable(str(error["message"])[:500])
    return "The model stopped answering. Your text is kept. Try again."
