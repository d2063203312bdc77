"""Before an engine: a request enters when there is a place, and is forgotten when its caller leaves."""

import asyncio
from typing import Final

from core.engine_fields import PRIORITY_HEADER, TOKENS_HEADER
from core.priority import Priority
from serve.guard import Application, Message, Receive, Scope, Send, relative_path
from serve.meter import COUNTED_ROUTES
from serve.seats import Seat, Seats

_PRIORITY: Final = PRIORITY_HEADER.encode()
_TOKENS: Final = TOKENS_HEADER.encode()
_PRIORITIES: Final = {priority.header.encode(): priority for priority in Priority}


class Seated:
    """Wraps an engine's ASGI application.

    The gateway says how urgent a request is (`x-headrace-priority`: chat, api or job) and how many tokens it
    may take in all (`x-headrace-tokens`); one that says nothing is an api request of no size.
    """

    def __init__(self, app: Application, seats: Seats) -> None:
        self._app = app
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or relative_path(scope) not in COUNTED_ROUTES:
            await self._app(scope, receive, send)
            return
        seat = _seat(self._seats, scope)
        try:
            if not seat.given:
                # Only who waits is read in advance: a caller who leaves is heard of behind the body.
                body = await _read(receive)
                if body is None or not await _given(seat, receive):
                    return
                receive = _again(body, receive)
            await self._app(scope, receive, send)
        finally:
            seat.leave()


def _seat(seats: Seats, scope: Scope) -> Seat:
    priority, tokens, reference = Priority.API, 0, ""
    for name, value in scope["headers"]:
        if name == _PRIORITY:
            priority = _PRIORITIES.get(value, priority)
        elif name == _TOKENS:
            tokens = int(value) if value.isdigit() else 0
        elif name == b"x-request-id":
            reference = value.decode("latin-1")
    return seats.take(priority, tokens, reference)


async def _read(receive: Receive) -> list[Message] | None:
    """All messages of the body, or None when the caller left before its end."""
    messages = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        messages.append(message)
        if not message.get("more_body"):
            return messages


async def _given(seat: Seat, receive: Receive) -> bool:
    """Whether the place was given before the caller left."""
    left = asyncio.ensure_future(_disconnect(receive))
    given = asyncio.ensure_future(seat.wait())
    try:
        await asyncio.wait((left, given), return_when=asyncio.FIRST_COMPLETED)
        return not left.done()
    finally:
        left.cancel()
        given.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was read, and then what comes."""
    pending = iter(messages)

    async def replayed() -> Message:
        for message in pending:
            return message
        return await receive()

    return replayed
