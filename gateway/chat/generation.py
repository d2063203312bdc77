"""An answer as it comes out of one engine after another, until it is whole."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import orjson

from core.clock import Clock
from core.errors import EngineFailed, EngineLost, EngineTimeout, HeadraceError, ModelNotReady, NoReplica
from core.log import get_logger
from gateway.chat.answer import refusal
from gateway.chat.continuation import CHAT, next_request, room_left
from gateway.chat.running import RunningTurn
from gateway.inference import Claim, EngineResponse, Inference, Priority
from gateway.inference.protocol import REPLICA_HEADER
from gateway.metrics import FIRST_TOKEN, TURNS_CONTINUED

log = get_logger(__name__)

MAX_ERROR_BYTES = 64 * 1024
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
# An engine that says itself that it failed is asked to go on this often.
MOST_FAILURES = 2
# The engine that is somebody else's service: its replica tries again by itself, within a budget.
ELSEWHERE = "openai"

Asked = asyncio.Task[EngineResponse]
Moved = Callable[[RunningTurn], Awaitable[None]]


class Generation:
    """Asks engines and puts what they say into a turn's log.

    Args:
        turn_timeout: seconds that a turn may take in all.
        continue_timeout: seconds that an answer which broke off waits for an engine to go on.
    """

    def __init__(
        self, inference: Inference, clock: Clock, *, turn_timeout: float, continue_timeout: float
    ) -> None:
        self._inference = inference
        self._clock = clock
        self._turn_timeout = turn_timeout
        self._continue_timeout = continue_timeout

    def ask(self, running: RunningTurn) -> Asked:
        """Send the first request of a turn."""
        return self._ask(running, CHAT, orjson.dumps(dict(running.request)))

    async def run(self, running: RunningTurn, asked: Asked | None, moved: Moved) -> None:
        """Until the answer is whole; `asked` is a request that is under way already, `moved` is told when
        somebody else is asked to answer than who was to.

        Raises: the error that ended the answer; core.errors.EngineTimeout after the turn's time.
        """
        left = self._turn_timeout - (self._clock.monotonic() - running.begun)
        try:
            async with asyncio.timeout(max(0.0, left)):
                if asked is None:
                    await self._go_on(running, None, "runner_lost")
                else:
                    await self._attempt(running, asked, moved)
        except TimeoutError as error:
            raise EngineTimeout() from error
        finally:
            if asked is not None:
                await let_go(asked)

    async def _attempt(self, running: RunningTurn, asked: Asked, moved: Moved) -> None:
        while True:
            try:
                await self._read(running, asked)
                return
            except HeadraceError as error:
                if running.accepted:
                    if isinstance(error, EngineLost):
                        await self._go_on(running, error, "engine_lost")
                    elif isinstance(error, EngineFailed) and running.target.engine == "vllm":
                        await self._go_on(running, error, "engine_failed")
                    else:
                        raise
                    return
                before = running.target
                target = await running.attempts.after(error)
                if target != before:
                    running.move(target)
                    await moved(running)
            finally:
                await let_go(asked)
            asked = self.ask(running)

    async def _go_on(self, running: RunningTurn, cause: HeadraceError | None, reason: str) -> None:
        """Ask again, from where the answer broke off, until an engine finishes it."""
        running.went_on = True
        running.log.status("reconnecting")
        deadline = self._clock.monotonic() + self._continue_timeout
        pause, failures = FIRST_PAUSE_SECONDS, 0
        while True:
            answer = running.answer
            answer.again()
            if answer.text and room_left(running.request, answer) == 0:
                answer.finish_reason = "length"
                return
            request = next_request(running.target, running.request, answer)
            if request is None:
                raise cause or EngineLost()
            route, body = request
            before = answer.known_tokens
            asked = self._ask(running, route, orjson.dumps(body))
            try:
                TURNS_CONTINUED.labels(running.target.model, reason).inc()
                await self._read(running, asked)
                return
            except (EngineLost, ModelNotReady) as error:
                if running.target.engine == ELSEWHERE and not isinstance(error, EngineLost | NoReplica):
                    raise
                cause = error
            except EngineFailed as error:
                failures += 1
                if running.target.engine != "vllm" or failures > MOST_FAILURES:
                    raise
                cause = error
            finally:
                await let_go(asked)
            if answer.known_tokens > before:
                deadline = self._clock.monotonic() + self._continue_timeout
                pause = FIRST_PAUSE_SECONDS
                running.log.status("reconnecting")
            if self._clock.monotonic() + pause > deadline:
                raise cause
            log.warning("turn.waits_for_engine", turn_id=running.turn.id, error=cause.detail)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _ask(self, running: RunningTurn, route: str, body: bytes) -> Asked:
        return asyncio.create_task(
            self._inference.send(
                running.target,
                route,
                body,
                request_id=running.turn.id,
                traceparent=running.turn.traceparent,
                claim=Claim.of(
                    Priority.CHAT,
                    body,
                    room_left(running.request, running.answer),
                    running.turn.conversation_id,
                ),
            )
        )

    async def _read(self, running: RunningTurn, asked: Asked) -> None:
        """Take in one engine's answer. Raises core.errors.EngineLost when it breaks off."""
        response = await asked
        try:
            running.replica = response.headers.get(REPLICA_HEADER)
            if response.status != 200:
                text = await response.read(MAX_ERROR_BYTES)
                raise refusal(response.status, text, response.headers.get("retry-after"))
            going_on = running.accepted
            running.accepted = True
            async for chunk in response.chunks():
                piece = running.answer.feed(chunk)
                if piece is not None:
                    if running.ttft_ms is None:
                        self._first_token(running)
                    if going_on:
                        going_on = False
                        running.log.status("running")
                    running.tell(piece.text, piece.tokens)
                if running.answer.failure is not None:
                    raise running.answer.failure
                if running.answer.ended_here:
                    # The engine does not know of the stop sequence that began before its part.
                    return
            if not running.answer.complete:
                if running.target.engine == ELSEWHERE:
                    # Our replica lives, and has said what it was told: asking again is its business.
                    raise EngineFailed("The model stopped in the middle of its answer.")
                raise EngineLost()
        finally:
            await response.close()

    def _first_token(self, running: RunningTurn) -> None:
        seconds = self._clock.monotonic() - running.begun
        running.ttft_ms = round(seconds * 1000, 1)
        FIRST_TOKEN.labels("chat", running.target.model).observe(seconds)


async def let_go(asked: Asked) -> None:
    """End a request whose answer nobody will read."""
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError, HeadraceError):
        response = await asked
        await response.close()
