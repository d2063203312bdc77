"""Turns over HTTP: begin one, follow it, stop it, ask again."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from auth.dependencies import MayChat, SignedIn
from gateway.chat.events import Event
from gateway.chat.following import KEEP_ALIVE_SECONDS
from gateway.chat.once import TurnOnce
from gateway.chat.schemas import RetryIn, StopOut, TurnIn, TurnOut
from gateway.dependencies import OnceTurns, Turns
from gateway.idempotency.header import REPLAYED, IdempotencyKey

router = APIRouter(tags=["turns"])

EVENT_STREAM = "text/event-stream"
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_STREAM_DOC = {"content": {EVENT_STREAM: {}}, "description": "The turn's events, when asked for them."}

TurnId = Annotated[str, Path(max_length=64)]
Accept = Annotated[str | None, Header()]
Traceparent = Annotated[str | None, Header()]


@router.post(
    "/conversations/{conversation_id}/turns",
    status_code=201,
    response_model=TurnOut,
    responses={200: _STREAM_DOC},
)
async def begin_turn(
    principal: MayChat,
    turns: Turns,
    once: OnceTurns,
    response: Response,
    conversation_id: Annotated[str, Path(max_length=64)],
    wanted: TurnIn,
    accept: Accept = None,
    traceparent: Traceparent = None,
    idempotency_key: IdempotencyKey = None,
) -> Response | TurnOut:
    """Store the message and start the answer; with `Accept: text/event-stream`, follow it at once."""
    begun = await once.begin(principal, conversation_id, wanted, traceparent, idempotency_key)
    return await _answer(turns, principal, begun, accept, response)


@router.post("/turns/{turn_id}/retry", status_code=201, response_model=TurnOut, responses={200: _STREAM_DOC})
async def retry_turn(
    principal: MayChat,
    turns: Turns,
    once: OnceTurns,
    response: Response,
    turn_id: TurnId,
    wanted: RetryIn | None = None,
    accept: Accept = None,
    traceparent: Traceparent = None,
    idempotency_key: IdempotencyKey = None,
) -> Response | TurnOut:
    """Another answer to the same message."""
    begun = await once.retry(principal, turn_id, wanted or RetryIn(), traceparent, idempotency_key)
    return await _answer(turns, principal, begun, accept, response)


@router.post("/turns/{turn_id}/stop", status_code=202)
async def stop_turn(principal: SignedIn, turns: Turns, turn_id: TurnId) -> StopOut:
    """Free the engine and keep the text so far."""
    return StopOut(status=await turns.stop(principal, turn_id))


@router.get("/turns/{turn_id}/events", response_class=StreamingResponse, responses={200: _STREAM_DOC})
async def follow_turn(
    request: Request,
    principal: SignedIn,
    turns: Turns,
    turn_id: TurnId,
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """The events after `Last-Event-ID` (or `after`), of a running or a finished turn."""
    seen = request.headers.get("last-event-id", "")
    # At most as many digits as a number of events can have; anything else is from the start.
    position = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else after
    return _stream(await turns.follow(principal, turn_id, position))


async def _answer(
    turns: Turns, principal: MayChat, once: TurnOnce, accept: str | None, response: Response
) -> Response | TurnOut:
    stream = accept is not None and EVENT_STREAM in accept
    if once.made is not None:
        if stream:
            return _stream(once.made.log.follow(0, KEEP_ALIVE_SECONDS))
        turn = once.made.turn
    else:
        assert once.found is not None  # noqa: S101 - it is one of the two
        turn = once.found
        if stream:
            answer = _stream(await turns.follow(principal, turn.id, 0))
            answer.headers[REPLAYED] = "true"
            return answer
        response.headers[REPLAYED] = "true"
    return TurnOut(turn_id=turn.id, message_id=turn.user_message_id, answer_id=turn.answer_id)


def _stream(batches: AsyncIterator[Sequence[Event]]) -> StreamingResponse:
    return StreamingResponse(_frames(batches), media_type=EVENT_STREAM, headers=_STREAM_HEADERS)


async def _frames(batches: AsyncIterator[Sequence[Event]]) -> AsyncIterator[bytes]:
    async for batch in batches:
        yield b"".join([event.frame() for event in batch]) if batch else b": keep-alive\n\n"
