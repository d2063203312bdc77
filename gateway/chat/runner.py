"""Runs turns apart from the connections that asked for them."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.clock import Clock
from core.errors import EngineFailed, EngineTimeout, HeadraceError, Overloaded, Unavailable
from core.ids import new_id
from core.log import get_logger
from gateway.chat import events
from gateway.chat.answer import Answer, refusal
from gateway.chat.live_log import ProcessLiveLog, ProcessLiveLogs
from gateway.chat.repository import Checkpoint, TurnRepository
from gateway.chat.tables import TurnEnd, TurnStart, TurnStatus
from gateway.events.bus import EventBus
from gateway.inference import EngineResponse, Inference, Target
from gateway.metrics import FIRST_TOKEN, TOKENS, TURNS, TURNS_RUNNING

log = get_logger(__name__)

MAX_ERROR_BYTES = 64 * 1024
SETTLE_TRIES = 40
SETTLE_PAUSE_SECONDS = 1.5


@dataclass
class RunningTurn:
    """One turn of this process."""

    turn: TurnStart
    log: ProcessLiveLog
    answer: Answer = field(default_factory=Answer)
    generation: asyncio.Task[None] | None = None
    whole: asyncio.Task[None] | None = None
    stop_asked: bool = False
    first_token_at: float | None = None
    replica: str | None = None


class TurnRunner:
    """Turns that this process runs, up to a bound.

    Args:
        turn_timeout: seconds one turn may take; it is failed after that, its text kept.
        drain_timeout: seconds that `stop` waits for running turns before it ends them.
    """

    def __init__(
        self,
        inference: Inference,
        logs: ProcessLiveLogs,
        repository: TurnRepository,
        bus: EventBus,
        clock: Clock,
        *,
        turn_timeout: float,
        drain_timeout: float,
        most: int,
    ) -> None:
        self._inference = inference
        self._logs = logs
        self._repository = repository
        self._bus = bus
        self._clock = clock
        self._turn_timeout = turn_timeout
        self._drain_timeout = drain_timeout
        self._most = most
        self._running: dict[str, RunningTurn] = {}
        self._closing = False
        self.name = new_id("run")

    def require_room(self) -> None:
        """Raises core.errors.Overloaded when another turn would be too many."""
        if self._closing or len(self._running) >= self._most:
            raise Overloaded(retry_after=2)

    def launch(
        self, turn: TurnStart, target: Target, body: bytes, persisted: asyncio.Task[None]
    ) -> RunningTurn:
        """Ask the engine at once; nothing is shown before `persisted` is done, nor if it fails."""
        running = RunningTurn(turn, self._logs.open(turn.id))
        self._running[turn.id] = running
        TURNS_RUNNING.set(len(self._running))
        running.whole = asyncio.create_task(self._run(running, target, body, persisted), name=turn.id)
        return running

    def stop_turn(self, turn_id: str) -> bool:
        """Stop a turn if it runs here, and say whether it does."""
        running = self._running.get(turn_id)
        if running is None:
            return False
        running.stop_asked = True
        if running.generation is not None:
            running.generation.cancel()
        return True

    def checkpoints(self) -> Sequence[Checkpoint]:
        """How far every running turn has come."""
        return [
            Checkpoint(item.turn.id, item.turn.answer_id, item.answer.text, list(item.answer.delta_ends))
            for item in self._running.values()
        ]

    async def stop(self) -> None:
        """Let running turns finish within the drain time, then end them with their text kept."""
        self._closing = True
        tasks = [item.whole for item in self._running.values() if item.whole is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._drain_timeout)
        if late:
            for item in self._running.values():
                if item.generation is not None:
                    item.generation.cancel()
            await asyncio.wait(late, timeout=5)

    async def _run(
        self, running: RunningTurn, target: Target, body: bytes, persisted: asyncio.Task[None]
    ) -> None:
        turn = running.turn
        begun = self._clock.monotonic()
        try:
            running.generation = asyncio.create_task(
                self._generate(running, target, body, persisted, begun), name=f"{turn.id}-generation"
            )
            try:
                await running.generation
                end = self._end_of(running, TurnStatus.COMPLETED, None, begun)
            except asyncio.CancelledError:
                if running.stop_asked:
                    end = self._end_of(running, TurnStatus.STOPPED, None, begun)
                else:
                    lost = Unavailable("The server was restarted while it was answering. Your text is kept.")
                    end = self._end_of(running, TurnStatus.FAILED, lost, begun)
            except _NotPersisted:
                self._logs.discard(turn.id)
                return
            except HeadraceError as error:
                end = self._end_of(running, TurnStatus.FAILED, error, begun)
            except Exception:
                log.exception("turn.crashed", turn_id=turn.id)
                end = self._end_of(running, TurnStatus.FAILED, EngineFailed(), begun)
            # Stopped or failed so early that the turn may not be stored yet, or never will be.
            await asyncio.wait({persisted})
            if persisted.cancelled() or persisted.exception() is not None:
                self._logs.discard(turn.id)
                return
            await self._settle(running, end)
        finally:
            self._running.pop(turn.id, None)
            TURNS_RUNNING.set(len(self._running))

    async def _generate(
        self,
        running: RunningTurn,
        target: Target,
        body: bytes,
        persisted: asyncio.Task[None],
        begun: float,
    ) -> None:
        response: EngineResponse | None = None
        asked = asyncio.create_task(
            self._inference.send(
                target,
                "/v1/chat/completions",
                body,
                request_id=running.turn.id,
                traceparent=running.turn.traceparent,
            )
        )
        try:
            try:
                await asyncio.shield(persisted)
            except HeadraceError as error:
                raise _NotPersisted from error
            running.log.append(*events.started(running.turn))
            async with asyncio.timeout(self._turn_timeout):
                response = await asked
                running.replica = response.headers.get("x-headrace-replica")
                if response.status != 200:
                    text = await response.read(MAX_ERROR_BYTES)
                    raise refusal(response.status, text, response.headers.get("retry-after"))
                async for chunk in response.chunks():
                    piece = running.answer.feed(chunk)
                    if piece:
                        if running.first_token_at is None:
                            running.first_token_at = self._clock.monotonic()
                            FIRST_TOKEN.labels("chat", target.model).observe(running.first_token_at - begun)
                        running.log.append(*events.delta(piece))
                    if running.answer.failure is not None:
                        raise running.answer.failure
            if not running.answer.done and running.answer.finish_reason is None:
                raise EngineFailed()
        except TimeoutError as error:
            raise EngineTimeout() from error
        finally:
            if response is None:
                await _let_go(asked)
            else:
                await response.close()

    def _end_of(
        self, running: RunningTurn, status: TurnStatus, error: HeadraceError | None, begun: float
    ) -> TurnEnd:
        answer = running.answer
        prompt_tokens, completion_tokens = answer.usage or (0, answer.frames)
        first = running.first_token_at
        return TurnEnd(
            status=status,
            text=answer.text,
            delta_ends=answer.delta_ends,
            finish_reason=answer.finish_reason if status is TurnStatus.COMPLETED else None,
            error={"reason": error.code, "message": error.detail, "retry": error.retry} if error else None,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            exact=answer.usage is not None,
            ttft_ms=round((first - begun) * 1000, 1) if first is not None else None,
            duration_ms=round((self._clock.monotonic() - begun) * 1000, 1),
            replica=running.replica,
        )

    async def _settle(self, running: RunningTurn, end: TurnEnd) -> None:
        """Store the end, then tell it. A database that is away is waited for: the text is only here."""
        turn = running.turn
        for attempt in range(1, SETTLE_TRIES + 1):
            try:
                if not await self._repository.settle(turn, end):
                    # Another process believed this one dead and has ended the turn: what is stored counts.
                    stored = await self._repository.stored(turn.id)
                    end = stored.end if stored is not None else end
                break
            except HeadraceError as error:
                log.warning("turn.settle_failed", turn_id=turn.id, attempt=attempt, error=error.detail)
                await asyncio.sleep(SETTLE_PAUSE_SECONDS)
        else:
            log.error("turn.not_settled", turn_id=turn.id)
            failure = Unavailable("The answer could not be stored. Copy it before you leave the page.")
            end = self._end_of(running, TurnStatus.FAILED, failure, self._clock.monotonic())
        TURNS.labels(turn.model, end.status.value).inc()
        TOKENS.labels(turn.model, "prompt").inc(end.prompt_tokens)
        TOKENS.labels(turn.model, "completion").inc(end.completion_tokens)
        if running.log.length == 0:
            running.log.append(*events.started(turn))
        running.log.append(*events.usage(end))
        running.log.append(*events.ended(end))
        await self._bus.publish(
            turn.user_id,
            {
                "type": "turn.ended",
                "conversation_id": turn.conversation_id,
                "turn_id": turn.id,
                "status": end.status.value,
            },
        )


class _NotPersisted(Exception):
    """The turn never began: whoever asked for it is told why."""


async def _let_go(asked: "asyncio.Task[EngineResponse]") -> None:
    """End a request whose answer nobody will read."""
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError, HeadraceError):
        response = await asked
        await response.close()
