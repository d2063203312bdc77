"""An answer as it grows out of an engine's stream."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core.errors import EngineFailed, HeadraceError, ModelNotReady, RateLimited
from gateway.chat.stop_words import StopWords
from gateway.inference.sse import DONE, FrameBuffer, data_of

# What the ledger's columns hold; an engine that claims more is not believed.
MOST_TOKENS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Piece:
    """New text to show, and the tokens that made it and what is held back behind it."""

    text: str
    tokens: list[int]


class Answer:
    """Collects text, tokens, finish reason and usage from the streams of the engines that write it.

    More than one engine may: `again` begins the next stream, and what was taken in stays.

    Args:
        stop: the stop sequences that were asked for.

    Attributes:
        tokens: ids of the tokens whose text was taken in; empty where the engine does not tell them.
        prompt: ids of the prompt's tokens, likewise.
        held: text that is not shown yet.
        ended_here: a stop sequence was found that the engine does not know of.
        failure: why the stream cannot be read on; the text before it counts.
        prompt_tokens, completion_tokens: what the person is charged for.
        repeated_tokens: prompt tokens that engines read once more, for going on where another stopped.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._buffer = FrameBuffer()
        self._pieces: list[str] = []
        self._stop = StopWords(stop)
        self._stop_words = tuple(stop)
        self._loose: list[int] = []
        self._ready: list[int] = []
        self._before = 0
        self._first_prompt: int | None = None
        self._frames = 0
        self._usage: tuple[int, int] | None = None
        self.tokens: list[int] = []
        self.prompt: list[int] | None = None
        self.finish_reason: str | None = None
        self.done = False
        self.ended_here = False
        self.failure: EngineFailed | None = None
        self.repeated_tokens = 0

    def restore(self, text: str, tokens: Sequence[int], prompt: Sequence[int] | None, held: str) -> None:
        """Begin with what another process has shown."""
        self._pieces = [text]
        self.tokens = list(tokens)
        self.prompt = list(prompt) if prompt is not None else None
        self._first_prompt = len(self.prompt) if self.prompt is not None else None
        self._stop = StopWords(self._stop_words, held)
        self.again(len(self.tokens))

    def again(self, completion_tokens: int | None = None) -> None:
        """The next stream goes on behind what was taken in so far."""
        self._before = self.known_tokens if completion_tokens is None else completion_tokens
        self._buffer = FrameBuffer()
        self._loose = []
        self._usage = None
        self._frames = 0
        self.done = False
        self.failure = None
        self.finish_reason = None

    @property
    def known_tokens(self) -> int:
        """How many tokens the text that was taken in has, as far as anyone said."""
        return len(self.tokens) if self.tokens else self._before + self._frames

    @property
    def complete(self) -> bool:
        """Whether nothing more is to come."""
        return self.done or self.finish_reason is not None or self._stop.found

    @property
    def held(self) -> str:
        return self._stop.held

    @property
    def last_usage(self) -> tuple[int, int] | None:
        """What the stream that is read now has told of itself."""
        return self._usage

    @property
    def exact(self) -> bool:
        """Whether the engine has said what it made."""
        return self._usage is not None

    @property
    def prompt_tokens(self) -> int:
        return self._first_prompt or 0

    @property
    def completion_tokens(self) -> int:
        return self._before + (self._usage[1] if self._usage is not None else self._frames)

    @property
    def text(self) -> str:
        """Everything that may be shown so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def feed(self, chunk: bytes) -> Piece | None:
        """What is new in `chunk`, all its frames joined; None when there is nothing to show.

        A stream that carries an error, or is not one of chunks, sets `failure`; what came before it is
        returned all the same, and what comes after it is not read.
        """
        if self.failure is not None:
            return None
        try:
            frames = self._buffer.feed(chunk)
        except EngineFailed as error:
            self.failure = error
            return None
        shown: list[str] = []
        for frame in frames.split(b"\n\n") if frames else ():
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
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                self.failure = EngineFailed("The model sent an answer that cannot be read.")
                self.failure.__cause__ = error
                break
            if text:
                self._frames += 1
                self.tokens += self._loose
                self._ready += self._loose
                self._loose = []
                shown.append(self._stop.feed(text))
        if self._stop.found and self.finish_reason is None:
            self.finish_reason = "stop"
            self.ended_here = True
        if self.complete:
            shown.append(self._stop.rest())
        return self._piece("".join(shown))

    def rest(self) -> Piece | None:
        """What was held back, when nothing more will come."""
        return self._piece(self._stop.rest())

    def _piece(self, text: str) -> Piece | None:
        if not text:
            return None
        self._pieces.append(text)
        tokens, self._ready = self._ready, []
        return Piece(text, tokens)

    def _take(self, chunk: Mapping[str, Any]) -> str:
        if "error" in chunk:
            raise EngineFailed(_sentence(chunk["error"]))
        usage = chunk.get("usage")
        if usage:
            self._count(_figures(usage))
        self._see_prompt(chunk.get("prompt_token_ids"))
        text = ""
        for choice in chunk["choices"]:
            # A chat completion has a delta, a plain one its text.
            delta = choice.get("delta")
            text += (choice.get("text") if delta is None else delta.get("content")) or ""
            self._loose += choice.get("token_ids") or ()
            self._see_prompt(choice.get("prompt_token_ids"))
            if choice.get("finish_reason"):
                self.finish_reason = _storable(str(choice["finish_reason"]))
        return _storable(text)

    def _count(self, figures: tuple[int, int] | None) -> None:
        if figures is None:
            return
        if self._first_prompt is None:
            self._first_prompt = figures[0]
        elif self._usage is None and self._before:
            self.repeated_tokens += figures[0]
        self._usage = figures

    def _see_prompt(self, ids: list[int] | None) -> None:
        if ids is not None and self.prompt is None:
            self.prompt = list(ids)


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
