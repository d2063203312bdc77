"""One turn that this process runs, from its first request to its end."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import HeadraceError
from gateway.chat.answer import Answer
from gateway.chat.continuation import readdressed
from gateway.chat.log_store import Seam
from gateway.chat.own_log import OwnLog
from gateway.chat.tables import TurnEnd, TurnStart, TurnStatus
from gateway.inference import Target
from gateway.routing.attempts import Attempts


@dataclass
class RunningTurn:
    """What is known of a turn while it runs.

    Attributes:
        attempts: who answers, and who would if that one cannot.
        request: what the engine was asked first.
        begun: when the turn began, on this process's monotonic clock.
        accepted: whether an engine has begun to answer, here or elsewhere.
        went_on: whether more than one request was made for it.
        stop_asked, fenced, handed_over: why its generation was cancelled.
    """

    turn: TurnStart
    attempts: Attempts
    attempt: int
    request: Mapping[str, Any]
    answer: Answer
    begun: float
    accepted: bool = False
    went_on: bool = False
    stop_asked: bool = False
    fenced: bool = False
    handed_over: bool = False
    ttft_ms: float | None = None
    replica: str | None = None
    generation: asyncio.Task[None] | None = None
    whole: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._log: OwnLog | None = None
        self._prompt_told = self.answer.prompt is not None

    @property
    def target(self) -> Target:
        """Who answers."""
        return self.attempts.target

    @property
    def served(self) -> tuple[str, str] | None:
        """Model and revision that answer, where those are not the ones that were to."""
        found = self.target.model, self.target.revision
        return found if found != (self.turn.model, self.turn.revision) else None

    def move(self, target: Target) -> None:
        """Nothing was shown yet: `target` is asked instead."""
        self.request = readdressed(self.request, target)

    @property
    def log(self) -> OwnLog:
        """Where its events go."""
        assert self._log is not None  # noqa: S101 - set by whoever makes the turn
        return self._log

    @log.setter
    def log(self, log: OwnLog) -> None:
        self._log = log

    def tell(self, text: str, tokens: list[int]) -> None:
        """Show new text."""
        seam = Seam(tokens=tokens, held=self.answer.held)
        if not self._prompt_told and self.answer.prompt is not None:
            self._prompt_told = True
            seam.prompt = self.answer.prompt
            seam.ttft_ms = self.ttft_ms
        self.log.delta(text, seam)

    @property
    def called_off(self) -> bool:
        """Whether it is not to be generated here any more."""
        return self.stop_asked or self.fenced or self.handed_over

    def cancel(self) -> None:
        """End the generation; what it was cancelled for was noted before."""
        if self.generation is not None:
            self.generation.cancel()

    def end(self, status: TurnStatus, error: HeadraceError | None, now: float) -> TurnEnd:
        """How it ended, with everything that was made until now."""
        answer = self.answer
        rest = answer.rest()
        if rest is not None:
            self.tell(rest.text, rest.tokens)
        self.log.number()
        return TurnEnd(
            status=status,
            text=answer.text,
            delta_ends=list(self.log.delta_ends),
            finish_reason=answer.finish_reason if status is TurnStatus.COMPLETED else None,
            error={"reason": error.code, "message": error.detail, "retry": error.retry} if error else None,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            exact=answer.exact,
            ttft_ms=self.ttft_ms,
            duration_ms=round((now - self.begun) * 1000, 1),
            replica=self.replica,
            repeated_tokens=answer.repeated_tokens,
            served=self.served,
            finished=answer.last_usage if status is TurnStatus.COMPLETED and self.went_on else None,
        )
