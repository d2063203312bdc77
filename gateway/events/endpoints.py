"""`WS /api/events`: one socket a tab, which ends when its session does."""

import asyncio

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from auth.dependencies import CurrentAuth, authenticate_websocket
from core.errors import HeadraceError, Unauthenticated
from gateway.dependencies import EventHub
from gateway.events.hub import Subscription

router = APIRouter(tags=["events"])

# Close codes: 4401 asks for a new sign-in; the others are the protocol's own.
SIGN_IN_AGAIN = 4401
POLICY = 1008
GOING_AWAY = 1012
TRY_AGAIN = 1013

_HELLO = '{"type":"hello"}'


@router.websocket("/events")
async def events(websocket: WebSocket, auth: CurrentAuth, hub: EventHub) -> None:
    """Whatever changes for this person, as JSON text frames; what a client sends is not read as anything."""
    try:
        principal = await authenticate_websocket(websocket)
    except HeadraceError as error:
        # Accepted first, because a page is only told the close code of a socket that was open.
        await websocket.accept()
        await websocket.close(_close_code(error), error.code)
        return
    await websocket.accept()
    subscription = hub.subscribe(principal.user_id)
    if subscription is None:
        await websocket.close(TRY_AGAIN, "too_many_tabs")
        return
    try:
        with auth.watch.ended(principal) as ended:
            await _serve(websocket, subscription, ended)
    finally:
        hub.unsubscribe(principal.user_id, subscription)


def _close_code(error: HeadraceError) -> int:
    if isinstance(error, Unauthenticated):
        return SIGN_IN_AGAIN
    return TRY_AGAIN if error.retry else POLICY


async def _serve(websocket: WebSocket, subscription: Subscription, ended: asyncio.Event) -> None:
    """Until the client leaves, its session ends, or it is too slow."""
    tasks = [
        asyncio.create_task(_write(websocket, subscription)),
        asyncio.create_task(_read(websocket)),
        asyncio.create_task(ended.wait()),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    writer, reader, _ = tasks
    if not reader.cancelled():
        # The client has left; a socket that is gone cannot be closed.
        return
    if ended.is_set():
        await websocket.close(SIGN_IN_AGAIN, "session_ended")
    elif not writer.cancelled() and writer.exception() is None:
        await websocket.close(TRY_AGAIN if subscription.overrun else GOING_AWAY)


async def _write(websocket: WebSocket, subscription: Subscription) -> None:
    await websocket.send_text(_HELLO)
    while (event := await subscription.queue.get()) is not None:
        await websocket.send_text(event.decode())


async def _read(websocket: WebSocket) -> None:
    """Returns when the client has left."""
    try:
        while True:
            await websocket.receive()
    except (WebSocketDisconnect, RuntimeError):
        # The framework raises the second for a receive after the disconnect message.
        return
