"""Runs turns apart from the connections that asked for them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson

from core.clock import Clock
from core.errors import EngineFailed, HeadraceError, Overloaded, Unavailable
from core.ids import new_id
from core.log import get_logger
from gateway.chat import events
from gateway.chat.answer import Answer
from gateway.chat.generation import Asked, Generation, let_go
from gateway.chat.live_log import ProcessLiveLogs
from gateway.chat.log_store import LogStore, StoredLog
from gateway.chat.own_log import LogWriter, OwnLog
from gateway.chat.repository import Checkpoint, Taken, TurnRepository
from gateway.chat.running import RunningTurn
from gateway.chat.tables import TurnEnd, TurnStart, TurnStatus
from gateway.events.bus import EventBus
from gateway.figures.recorder import FigureRecorder
from gateway.inference import Target
from gateway.metrics import TOKENS, TURNS, TURNS_RUNNING
from gateway.routing.attempts import Attempts
from gateway.shadows.copies import Copies
from gateway.shadows.tables import Answered, Said
from gateway.usage.tables import Tokens

log = get_logger(__name__)

SETTLE_TRIES = 40
SETTLE_PAUSE_SECONDS = 1.5
STORE_REQUEST_SECONDS = 1.0
HAND_OVER_SECONDS = 3.0
# The stored log outlives the longest turn by this much.
KEEP_BEYOND_SECONDS = 3600


class TurnRunner:
    """Turns that this process runs, up to a bound.

    Args:
        turn_timeout: seconds one turn may take; it is failed after that, its text kept.
        drain_timeout: seconds that `stop` waits for running turns before it hands them over.
    """

    def __init__(
        self,
        generation: Generation,
        logs: ProcessLiveLogs,
        store: LogStore,
        writer: LogWriter,
        repository: TurnRepository,
        bus: EventBus,
        figures: FigureRecorder,
        copies: Copies,
        clock: Clock,
        *,
        turn_timeout: float,
        drain_timeout: float,
        most: int,
    ) -> None:
        self._generation = generation
        self._logs = logs
        self._store = store
        self._writer = writer
        self._repository = repository
        self._bus = bus
        self._figures = figures
        self._copies = copies
        self._clock = clock
        self._drain_timeout = drain_timeout
        self._most = most
        self._running: dict[str, RunningTurn] = {}
        self._closing = False
        self.name = new_id("run")
        self.keep_seconds = int(turn_timeout) + KEEP_BEYOND_SECONDS

    @property
    def has_room(self) -> bool:
        """Whether it may run one more turn."""
        return not self._closing and len(self._running) < self._most

    def require_room(self) -> None:
        """Raises core.errors.Overloaded when another turn would be too many."""
        if not self.has_room:
            raise Overloaded(retry_after=2)

    def launch(
        self,
        turn: TurnStart,
        targets: Sequence[Target],
        request: Mapping[str, Any],
        persisted: asyncio.Task[None],
    ) -> RunningTurn:
        """Ask the first of `targets` at once; nothing is shown before `persisted` is done or if it fails."""
        running = RunningTurn(
            turn, Attempts(targets), 1, request, Answer(request.get("stop") or ()), self._clock.monotonic()
        )
        self._enter(running)
        asked = self._generation.ask(running)
        running.whole = asyncio.create_task(self._begin(running, asked, persisted), name=turn.id)
        return running

    def adopt(self, turn: TurnStart, target: Target, stored: StoredLog, taken: Taken) -> None:
        """Go on with a turn whose runner is gone."""
        request: dict[str, Any] = orjson.loads(stored.request)
        answer = Answer(request.get("stop") or ())
        text: list[str] = []
        tokens: list[int] = []
        prompt: list[int] | None = None
        held, ttft_ms = "", None
        for entry in stored.entries:
            if entry.seam is not None:
                text.append(orjson.loads(entry.event.data)["text"])
                tokens += entry.seam.tokens
                held = entry.seam.held
                prompt = prompt or entry.seam.prompt
                ttft_ms = ttft_ms or entry.seam.ttft_ms
        if text:
            answer.restore("".join(text), tokens, prompt, held)
        begun = self._clock.monotonic() - taken.age
        running = RunningTurn(turn, Attempts([target]), taken.attempt, request, answer, begun)
        running.accepted = True
        running.ttft_ms = ttft_ms
        running.stop_asked = taken.stop_asked
        self._enter(running)
        running.log.restore(stored.entries, [len(piece) for piece in text])
        if not stored.entries:
            running.log.event(*events.started(turn))
        running.whole = asyncio.create_task(self._run(running, None), name=turn.id)

    def stop_turn(self, turn_id: str) -> bool:
        """Stop a turn if it runs here, and say whether it does."""
        running = self._running.get(turn_id)
        if running is None:
            return False
        running.stop_asked = True
        running.cancel()
        return True

    def silent(self) -> Sequence[RunningTurn]:
        """Those that have not had their first word yet."""
        return [item for item in self._running.values() if item.ttft_ms is None and not item.called_off]

    def checkpoints(self) -> Sequence[Checkpoint]:
        """How far every running turn has come; text that is not numbered yet is not part of it."""
        found = []
        for item in self._running.values():
            ends = list(item.log.delta_ends)
            text = item.answer.text[: ends[-1]] if ends else ""
            found.append(Checkpoint(item.turn.id, item.turn.answer_id, item.attempt, text, ends))
        return found

    async def stop(self) -> None:
        """Let running turns finish within the drain time, then leave them to other processes."""
        self._closing = True
        tasks = [item.whole for item in self._running.values() if item.whole is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._drain_timeout)
        if late:
            for item in list(self._running.values()):
                item.handed_over = True
                item.cancel()
            await asyncio.wait(late, timeout=HAND_OVER_SECONDS + 2)

    def _enter(self, running: RunningTurn) -> None:
        def fenced() -> None:
            running.fenced = True
            running.cancel()

        turn_id = running.turn.id
        running.log = OwnLog(turn_id, running.attempt, self.keep_seconds, self._writer, fenced)
        self._logs.add(turn_id, running.log.shown)
        self._running[turn_id] = running
        TURNS_RUNNING.set(len(self._running))

    async def persist(
        self, turn: TurnStart, request: Mapping[str, Any], begin: Callable[[], Awaitable[None]]
    ) -> None:
        """Store the turn by `begin`, its request first: from then on another process can go on with it."""
        # Whoever asks the engine meanwhile goes first: its work takes longest.
        await asyncio.sleep(0)
        await self._put_request(turn.id, request)
        await begin()

    async def _put_request(self, turn_id: str, request: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(STORE_REQUEST_SECONDS):
                await self._store.put_request(turn_id, orjson.dumps(dict(request)), self.keep_seconds)
        except (Unavailable, TimeoutError) as error:
            log.warning("turn.request_not_stored", turn_id=turn_id, error=repr(error))

    async def _begin(self, running: RunningTurn, asked: Asked, persisted: "asyncio.Task[None]") -> None:
        turn_id = running.turn.id
        try:
            await asyncio.shield(persisted)
        except HeadraceError:
            # The turn never was: whoever asked for it is told why.
            self._leave(running)
            self._logs.discard(turn_id)
            await let_go(asked)
            return
        running.log.event(*events.started(running.turn))
        await self._run(running, asked)

    async def _run(self, running: RunningTurn, asked: Asked | None) -> None:
        try:
            end = await self._generate(running, asked)
            if end is not None:
                await self._settle(running, end)
                self._note(running, end)
        finally:
            self._leave(running)

    def _leave(self, running: RunningTurn) -> None:
        if self._running.get(running.turn.id) is running:
            del self._running[running.turn.id]
        TURNS_RUNNING.set(len(self._running))

    async def _generate(self, running: RunningTurn, asked: Asked | None) -> TurnEnd | None:
        """The turn's end; None when another process goes on with it."""
        error: HeadraceError | None = None
        status = TurnStatus.COMPLETED
        # What was called off before it began asks no engine at all.
        called_off = running.called_off
        if not called_off:
            running.generation = asyncio.create_task(
                self._generation.run(running, asked, self._moved), name=f"{running.turn.id}-generation"
            )
            try:
                await running.generation
            except asyncio.CancelledError:
                called_off = True
            except HeadraceError as failure:
                status, error = TurnStatus.FAILED, failure
            except Exception:
                log.exception("turn.crashed", turn_id=running.turn.id)
                status, error = TurnStatus.FAILED, EngineFailed()
        if called_off:
            if asked is not None:
                await let_go(asked)
            if running.fenced:
                log.warning("turn.fenced", turn_id=running.turn.id, attempt=running.attempt)
                return None
            if not running.stop_asked:
                await self._hand_over(running)
                return None
            status = TurnStatus.STOPPED
        return running.end(status, error, self._clock.monotonic())

    async def _moved(self, running: RunningTurn) -> None:
        """Whoever takes the turn over has to ask whoever answers now."""
        await self._put_request(running.turn.id, running.request)
        await self._repository.move(running.turn, running.attempt, running.served)

    def _note(self, running: RunningTurn, end: TurnEnd) -> None:
        self._figures.saw(
            running.target,
            failed=end.status is TurnStatus.FAILED,
            wait=end.ttft_ms / 1000 if end.ttft_ms is not None else None,
            tokens=Tokens(end.prompt_tokens, end.completion_tokens),
        )
        if end.status is TurnStatus.COMPLETED and self._copies.chosen(running.target.model):
            said = Said(end.text, end.completion_tokens, end.ttft_ms, end.duration_ms, end.finish_reason)
            self._copies.make(
                Answered(
                    running.turn.user_id, running.turn.conversation_id, running.target, running.request, said
                )
            )

    async def _hand_over(self, running: RunningTurn) -> None:
        """Leave the turn where another process finds all of it."""
        running.log.number()
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                await running.log.flushed()
                await self._repository.checkpoint(
                    [point for point in self.checkpoints() if point.turn_id == running.turn.id]
                )
        except (TimeoutError, HeadraceError) as error:
            log.warning("turn.not_handed_over_whole", turn_id=running.turn.id, error=repr(error))
        running.log.shown.move()
        log.info("turn.handed_over", turn_id=running.turn.id)

    async def _settle(self, running: RunningTurn, end: TurnEnd) -> None:
        """Store the end, then tell it. A database that is away is waited for: the text is only here."""
        turn = running.turn
        for tries in range(1, SETTLE_TRIES + 1):
            try:
                if not await self._repository.settle(turn, end, running.attempt):
                    # Another process believed this one dead and has the turn now, or has ended it.
                    running.log.shown.move()
                    return
                break
            except HeadraceError as error:
                log.warning("turn.settle_failed", turn_id=turn.id, attempt=tries, error=error.detail)
                await asyncio.sleep(SETTLE_PAUSE_SECONDS)
        else:
            log.error("turn.not_settled", turn_id=turn.id)
            failure = Unavailable("The answer could not be stored. Copy it before you leave the page.")
            end = running.end(TurnStatus.FAILED, failure, self._clock.monotonic())
        model = running.target.model
        TURNS.labels(model, end.status.value).inc()
        TOKENS.labels(model, "prompt").inc(end.prompt_tokens)
        TOKENS.labels(model, "completion").inc(end.completion_tokens)
        running.log.event(*events.usage(turn, end))
        running.log.event(*events.ended(end))
        await self._bus.publish(
            turn.user_id,
            {
                "type": "turn.ended",
                "conversation_id": turn.conversation_id,
                "turn_id": turn.id,
                "status": end.status.value,
            },
        )
        await running.log.flushed()
