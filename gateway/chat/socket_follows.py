"""Following turns over a tab's WebSocket: many at once over one connection.

A browser opens six HTTP/1.1 connections to one host, so tabs that each follow a turn over a connection of its
own would soon starve the page.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field, ValidationError

from auth.principal import Principal
from core.errors import HeadraceError
from core.log import get_logger
from core.tasks import end_task
from gateway.chat.events import Event
from gateway.chat.service import TurnService
from gateway.events.orders import SendFrame

log = get_logger(__name__)

MOST_FOLLOWS = 16

Handle = Annotated[int, Field(ge=0, lt=10**6)]


class Follow(BaseModel):
    """`{"type": "follow", "as": 1, "turn_id": ..., "after": 0}`: the events above `after`, until the last.

    `as` is the client's own number for it: every frame carries that in place of the turn's long id.
    """

    handle: Handle = Field(alias="as")
    turn_id: Annotated[str, Field(min_length=1, max_length=64)]
    after: Annotated[int, Field(ge=0, lt=10**9)] = 0


class Unfollow(BaseModel):
    """`{"type": "unfollow", "as": 1}`."""

    handle: Handle = Field(alias="as")


class SocketFollows:
    """Implements `gateway.events.orders.Orders`: the turns that one socket follows.

    Each is read at the pace at which the socket takes it, so a slow tab costs its position in a log and
    nothing else.
    """

    def __init__(self, turns: TurnService, principal: Principal, send: SendFrame) -> None:
        self._turns = turns
        self._principal = principal
        self._send = send
        self._follows: dict[int, asyncio.Task[None]] = {}

    async def take(self, frame: Mapping[str, Any]) -> None:
        try:
            match frame.get("type"):
                case "follow":
                    await self._follow(Follow.model_validate(frame))
                case "unfollow":
                    await self._unfollow(Unfollow.model_validate(frame).handle)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in wrong["loc"])
            handle = frame.get("as")
            await self._refuse(
                handle if isinstance(handle, int) else None,
                "invalid",
                f"{field}: {wrong['msg']}",
                retry=False,
            )

    async def close(self) -> None:
        follows, self._follows = list(self._follows.values()), {}
        for follow in follows:
            await end_task(follow)

    async def _follow(self, wanted: Follow) -> None:
        """Another `follow` under the same number takes the place of the first."""
        handle = wanted.handle
        await self._unfollow(handle)
        if len(self._follows) >= MOST_FOLLOWS:
            sentence = f"One connection follows at most {MOST_FOLLOWS} turns."
            await self._refuse(handle, "too_many_follows", sentence, retry=True)
            return
        try:
            # Looked up here, so that a client that asks without end waits for one answer after the other.
            batches = await self._turns.follow(self._principal, wanted.turn_id, wanted.after)
        except HeadraceError as error:
            await self._refuse(handle, error.code, error.detail, retry=error.retry)
            return
        self._follows[handle] = asyncio.create_task(
            self._pass_on(handle, batches), name=f"{wanted.turn_id}-socket"
        )

    async def _unfollow(self, handle: int) -> None:
        follow = self._follows.pop(handle, None)
        if follow is not None:
            await end_task(follow)

    async def _pass_on(self, handle: int, batches: AsyncIterator[Sequence[Event]]) -> None:
        ended = False
        try:
            async for batch in batches:
                for frame in frames_of(handle, batch):
                    await self._send(frame)
                if not batch:
                    # The answer is long in coming: its reader is told that it is still followed.
                    await self._send(b'{"type":"turn.alive","as":%d}' % handle)
                ended = bool(batch) and batch[-1].terminal
        except HeadraceError as error:
            await self._refuse(handle, error.code, error.detail, retry=error.retry)
        except Exception:
            log.exception("socket_follow.crashed")
            await self._refuse(handle, "internal", "Following this turn failed. Try again.", retry=True)
        else:
            if not ended:
                # This process goes away, or the conversation was deleted: asked again, it is told which.
                sentence = "This turn cannot be followed here any more. Ask again."
                await self._refuse(handle, "going_away", sentence, retry=True)
        if self._follows.get(handle) is asyncio.current_task():
            del self._follows[handle]

    async def _refuse(self, handle: int | None, code: str, message: str, *, retry: bool) -> None:
        await self._send(
            orjson.dumps(
                {"type": "turn.refused", "as": handle, "code": code, "message": message, "retry": retry}
            )
        )


def frames_of(handle: int, batch: Sequence[Event]) -> Iterator[bytes]:
    """The events as JSON texts; neighbouring deltas are one, which stands for `first` to `seq`."""
    for kind, group in groupby(batch, key=lambda event: event.kind):
        events = list(group)
        if kind != "delta":
            for event in events:
                yield b'{"type":"turn.event","as":%d,"seq":%d,"event":"%b","data":%b}' % (
                    handle,
                    event.seq,
                    kind.encode(),
                    event.data,
                )
        elif len(events) == 1:
            # `{"text":...}`, as it stands in the log.
            yield b'{"type":"delta","as":%d,"seq":%d,%b' % (handle, events[0].seq, events[0].data[1:])
        else:
            text = "".join([orjson.loads(event.data)["text"] for event in events])
            yield b'{"type":"delta","as":%d,"seq":%d,"first":%d,"text":%b}' % (
                handle,
                events[-1].seq,
                events[0].seq,
                orjson.dumps(text),
            )
