"""Asks shadows what others were asked, when those have answered: nobody waits for it, and nobody pays."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from core.errors import (
    EngineFailed,
    EngineTimeout,
    HeadraceError,
    ModelNotReady,
    NoReplica,
    Overloaded,
)
from core.ids import new_id
from core.log import get_logger
from core.telemetry import new_traceparent
from gateway.inference import Claim, Inference, Priority, Target
from gateway.inference.claim import ranked
from gateway.metrics import SHADOWS
from gateway.routing.table import RoutingTable, Shadow
from gateway.shadows.reading import Reading
from gateway.shadows.repository import ShadowRepository
from gateway.shadows.tables import Answered, Pair, Said
from gateway.usage.booking import BookingQueue
from gateway.usage.tables import Entry, Kind, Outcome, Tokens

log = get_logger(__name__)

# Of one process. What comes beyond is not copied: a shadow that is slow must not gather work.
MOST_AT_ONCE: Final = 4
DEADLINE_SECONDS: Final = 180.0
STOP_SECONDS: Final = 3.0
MOST_TEXT_CHARACTERS: Final = 20_000
ROUTE: Final = "/v1/chat/completions"

# What of a request says how the model should write, as both engines understand it.
_COPIED: Final = (
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "response_format",
    "tools",
    "tool_choice",
)


class Copies:
    """The copies that this process makes."""

    def __init__(
        self,
        routes: RoutingTable,
        inference: Inference,
        booking: BookingQueue,
        repository: ShadowRepository,
    ) -> None:
        self._routes = routes
        self._inference = inference
        self._booking = booking
        self._repository = repository
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Nothing runs before the first copy."""

    async def stop(self) -> None:
        """Let go of those that are made; what their engines did is booked."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)

    def chosen(self, name: str) -> bool:
        """Whether chance takes a request for `name`, which a shadow may be asked too."""
        shadow = self._routes.shadow_of(name)
        return shadow is not None and random.random() * 100 < shadow.percent  # noqa: S311 - a sample

    def make(self, answered: Answered) -> None:
        """Ask the shadow the same, unless it is the one that answered, or is busy."""
        shadow = self._routes.shadow_of(answered.target.model)
        if shadow is None or shadow.target.revision == answered.target.revision:
            return
        if len(self._tasks) >= MOST_AT_ONCE:
            SHADOWS.labels(shadow.target.model, "skipped").inc()
            return
        task = asyncio.create_task(self._copy(shadow, answered), name="shadow")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _copy(self, shadow: Shadow, answered: Answered) -> None:
        try:
            said, detail = await self._ask(shadow, answered.request)
            SHADOWS.labels(shadow.target.model, "failed" if detail else "answered").inc()
            await self._repository.add(
                Pair(
                    answered=replace(answered, said=_bounded(answered.said)),
                    shadow_revision=shadow.target.revision,
                    shadow=_bounded(said),
                    detail=detail,
                    likeness=None if detail else likeness(answered.said.text, said.text),
                    prompt=_question_of(answered.request) if shadow.keep_texts else None,
                )
            )
        except HeadraceError as error:
            log.warning("shadow.not_kept", model=shadow.target.model, error=error.detail)
        except Exception:
            log.exception("shadow.crashed", model=shadow.target.model)

    async def _ask(self, shadow: Shadow, request: Mapping[str, Any]) -> tuple[Said, str | None]:
        """What it says, and why it does not say all of it. Whatever it made is in the ledger, nobody's."""
        entry = _entry_of(shadow.target)
        reading = Reading()
        detail: str | None = None
        outcome, taken = Outcome.DISCONNECTED, True
        began = time.perf_counter()
        self._booking.open(entry, reserved=False)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._send(shadow.target, _body_of(request, shadow.target), entry.reference, reading)
            outcome = Outcome.COMPLETED
        except TimeoutError:
            detail = EngineTimeout().detail
        except (NoReplica, ModelNotReady, Overloaded, _Refused) as error:
            detail, outcome, taken = error.detail, Outcome.FAILED, False
        except HeadraceError as error:
            detail, outcome = error.detail, Outcome.FAILED
        finally:
            # Whoever took it may have worked for it before the first byte: the engine's record says how much.
            if taken:
                exact = reading.usage is not None
                tokens = Tokens(*(reading.usage or (0, reading.frames)), exact=exact)
                self._booking.add(replace(entry, outcome=outcome, tokens=tokens))
            else:
                self._booking.drop(entry.reference)
        return reading.said(began), detail

    async def _send(self, target: Target, body: Mapping[str, Any], reference: str, reading: Reading) -> None:
        """Raises core.errors.EngineFailed where it refuses or stops before its end; what `send` raises."""
        raw = orjson.dumps(body)
        response = await self._inference.send(
            target,
            ROUTE,
            ranked(raw, target.engine, Priority.JOB),
            request_id=reference,
            traceparent=new_traceparent(None),
            # Behind everybody who waits for an answer.
            claim=Claim.of(Priority.JOB, raw, body.get("max_tokens") or target.max_output_tokens),
        )
        try:
            if response.status != 200:
                raise _Refused(f"The model refused it, with status {response.status}.")
            async for chunk in response.chunks():
                reading.feed(chunk)
            if not reading.done:
                raise EngineFailed("The model stopped in the middle of its answer.")
        finally:
            await response.close()


class _Refused(EngineFailed):
    """The engine did nothing for it."""


def likeness(one: str, other: str) -> float:
    """How many of the words of both texts are the same ones: twice the words they share by all words."""
    if one == other:
        return 1.0
    ours, theirs = Counter(one.split()), Counter(other.split())
    words = ours.total() + theirs.total()
    # Not quite the same, though the words are: in another order, or with other spaces.
    return min(0.999, 2 * (ours & theirs).total() / words) if words else 0.0


def _bounded(said: Said) -> Said:
    return replace(said, text=said.text[:MOST_TEXT_CHARACTERS])


def _question_of(request: Mapping[str, Any]) -> str:
    """The last message, as far as it is text."""
    messages = request.get("messages") or [{}]
    content = messages[-1].get("content")
    if isinstance(content, list):
        content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "").replace("\x00", "\ufffd")[:MOST_TEXT_CHARACTERS]


def _body_of(request: Mapping[str, Any], target: Target) -> dict[str, Any]:
    return {
        **{name: request[name] for name in _COPIED if request.get(name) is not None},
        "model": target.model,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _entry_of(target: Target) -> Entry:
    return Entry(
        id=new_id("led"),
        user_id=None,
        key_id=None,
        kind=Kind.SHADOW,
        reference=new_id("shd"),
        model=target.model,
        revision=target.revision,
        outcome=Outcome.FAILED,
        tokens=Tokens(0, 0, exact=False),
    )
