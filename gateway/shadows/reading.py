"""What a streamed or a whole answer of an engine says, for those who only look on."""

import time
from collections.abc import Mapping
from typing import Any

import orjson

from core.errors import EngineFailed
from gateway.inference.sse import DONE, FrameBuffer, data_of
from gateway.shadows.tables import Said


class Reading:
    """Takes in an answer in any pieces.

    Attributes:
        pieces: of the text; only the first choice counts.
        usage: prompt and completion tokens, where the engine has said them.
        first_at: when the first of them came, of time.perf_counter.
        frames: how many chunks carried text: each is at least a token.
        done: whether the engine has said that this was all.
    """

    def __init__(self) -> None:
        self._buffer = FrameBuffer()
        self.pieces: list[str] = []
        self.usage: tuple[int, int] | None = None
        self.finish_reason: str | None = None
        self.first_at: float | None = None
        self.frames = 0
        self.done = False

    @property
    def text(self) -> str:
        """Everything so far. PostgreSQL's text holds every character but NUL."""
        return "".join(self.pieces).replace("\x00", "\ufffd")

    def said(self, asked_at: float) -> Said:
        """What there is, asked for at that moment of time.perf_counter, and over now."""
        now = time.perf_counter()
        return Said(
            text=self.text,
            completion_tokens=self.usage[1] if self.usage else None,
            first_ms=_milliseconds(self.first_at - asked_at) if self.first_at is not None else None,
            duration_ms=_milliseconds(now - asked_at),
            finish_reason=self.finish_reason,
        )

    def feed(self, chunk: bytes) -> None:
        """More of a stream. Raises core.errors.EngineFailed for an error and for what is no chunk."""
        frames = self._buffer.feed(chunk)
        for frame in frames.split(b"\n\n") if frames else ():
            data = data_of(frame)
            if data == DONE:
                self.done = True
            elif data:
                self._take(_object_of(data), "delta")
        if self.pieces and self.first_at is None:
            self.first_at = time.perf_counter()

    def whole(self, body: bytes) -> None:
        """The same of an answer in one piece. Raises core.errors.EngineFailed."""
        self._take(_object_of(body), "message")
        self.done = True

    def _take(self, chunk: Mapping[str, Any], part: str) -> None:
        if "error" in chunk:
            raise EngineFailed("The model stopped in the middle of its answer.")
        try:
            usage = chunk.get("usage")
            if usage:
                self.usage = int(usage["prompt_tokens"]), int(usage.get("completion_tokens") or 0)
            for choice in chunk.get("choices") or ():
                if choice.get("index", 0) != 0:
                    continue
                text = (choice.get(part) or {}).get("content")
                if text:
                    self.pieces.append(str(text))
                    self.frames += 1
                if choice.get("finish_reason"):
                    self.finish_reason = str(choice["finish_reason"])[:40]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineFailed("The model sent an answer that cannot be read.") from error


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _object_of(data: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise EngineFailed("The model sent an answer that cannot be read.") from error
    if not isinstance(found, dict):
        raise EngineFailed("The model sent an answer that cannot be read.")
    return found
