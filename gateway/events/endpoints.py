"""`WS /api/events`: one socket a tab, which ends when its session does."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from auth.dependencies import CurrentAuth, authenticate_websocket
from core.errors import HeadraceError, Unauthenticated
from gateway.dependencies import EventHub, SocketOrders
from gateway.events.hub import Subscription
from gateway.events.orders import Orders

router = APIRouter(tags=["events"])

# Close codes: 4401 asks for a new sign-in; the others are the protocol's own.
SIGN_IN_AGAIN = 4401
POLICY = 1008
GOING_AWAY = 1012
TRY_AGAIN = 1013

_HELLO = '{"type":"hello"}'


@router.websocket("/events")
async def events(websocket: WebSocket, auth: CurrentAuth, hub: EventHub, make_orders: SocketOrders) -> None:
    """Whatever changes for this person, and the turns it asks to follow, as JSON text frames."""
    try:
        principal = await authenticate_websocket(websocket)
    except HeadraceError as error:
        # Accepted first, because a page is only told the close code of a socket that was open.
        await websocket.accept()
        await websocket.close(_close_code(error), error.code)
        return
    await websocket.accept()
    subscription = hub.subscribe(principal.user_id, principal.models)
    if subscription is None:
        await websocket.close(TRY_AGAIN, "too_many_tabs")
        return

    async def send(frame: bytes) -> None:
        await websocket.send_text(frame.decode())

    orders = make_orders(principal, send)
    try:
        with auth.watch.ended(principal) as ended:
            await _serve(websocket, subscription, orders, ended)
    finally:
        await orders.close()
        hub.unsubscribe(principal.user_id, subscription)


def _close_code(error: HeadraceError) -> int:
    if isinstance(error, Unauthenticated):
        return SIGN_IN_AGAIN
    return TRY_AGAIN if error.retry else POLICY


async def _serve(
    websocket: WebSocket, subscription: Subscription, orders: Orders, ended: asyncio.Event
) -> None:
    """Until the client leaves, its session ends, or it is too slow."""
    tasks = [
        asyncio.create_task(_write(websocket, subscription)),
        asyncio.create_task(_read(websocket, orders)),
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


async def _read(websocket: WebSocket, orders: Orders) -> None:
    """Take what the client asks for, one frame after the other; returns when it has left."""
    try:
        while True:
            message = await websocket.receive()
            frame = _frame(message.get("text"))
            if frame is not None:
                await orders.take(frame)
    except (WebSocketDisconnect, RuntimeError):
        # The framework raises the second for a receive after the disconnect message.
        return


def _frame(text: str | None) -> Mapping[str, Any] | None:
    """A JSON object, or nothing."""
    if text is None:
        return None
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return frame if isinstance(frame, dict) else None
