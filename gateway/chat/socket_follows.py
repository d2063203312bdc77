"""Following turns over a tab's WebSocket: many at once over one connection.

A browser opens six HTTP/1.1 connections to one host, so tabs that each follow a turn over a connection of its
own would soon starve the page.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
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

TurnId = Annotated[str, Field(min_length=1, max_length=64)]


class Follow(BaseModel):
    """`{"type": "follow", "turn_id": ..., "after": 0}`: the events above `after`, until the terminal one."""

    turn_id: TurnId
    after: Annotated[int, Field(ge=0, lt=10**9)] = 0


class Unfollow(BaseModel):
    """`{"type": "unfollow", "turn_id": ...}`."""

    turn_id: TurnId


class SocketFollows:
    """Implements `gateway.events.orders.Orders`: the turns that one socket follows.

    Each is read at the pace at which the socket takes it, so a slow tab costs its position in a log and
    nothing else.
    """

    def __init__(self, turns: TurnService, principal: Principal, send: SendFrame) -> None:
        self._turns = turns
        self._principal = principal
        self._send = send
        self._follows: dict[str, asyncio.Task[None]] = {}

    async def take(self, frame: Mapping[str, Any]) -> None:
        try:
            match frame.get("type"):
                case "follow":
                    await self._follow(Follow.model_validate(frame))
                case "unfollow":
                    await self._unfollow(Unfollow.model_validate(frame).turn_id)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in wrong["loc"])
            await self._refuse(
                str(frame.get("turn_id"))[:64], "invalid", f"{field}: {wrong['msg']}", retry=False
            )

    async def close(self) -> None:
        follows, self._follows = list(self._follows.values()), {}
        for follow in follows:
            await end_task(follow)

    async def _follow(self, wanted: Follow) -> None:
        """Another `follow` of the same turn takes the place of the first."""
        turn_id = wanted.turn_id
        await self._unfollow(turn_id)
        if len(self._follows) >= MOST_FOLLOWS:
            sentence = f"One connection follows at most {MOST_FOLLOWS} turns."
            await self._refuse(turn_id, "too_many_follows", sentence, retry=True)
            return
        try:
            # Looked up here, so that a client that asks without end waits for one answer after the other.
            batches = await self._turns.follow(self._principal, turn_id, wanted.after)
        except HeadraceError as error:
            await self._refuse(turn_id, error.code, error.detail, retry=error.retry)
            return
        self._follows[turn_id] = asyncio.create_task(
            self._pass_on(turn_id, batches), name=f"{turn_id}-socket"
        )

    async def _unfollow(self, turn_id: str) -> None:
        follow = self._follows.pop(turn_id, None)
        if follow is not None:
            await end_task(follow)

    async def _pass_on(self, turn_id: str, batches: AsyncIterator[Sequence[Event]]) -> None:
        ended = False
        try:
            async for batch in batches:
                if batch:
                    events = joined(batch)
                    await self._send({"type": "turn.events", "turn_id": turn_id, "events": events})
                    ended = batch[-1].terminal
        except HeadraceError as error:
            await self._refuse(turn_id, error.code, error.detail, retry=error.retry)
        except Exception:
            log.exception("socket_follow.crashed", turn_id=turn_id)
            sentence = "Following this turn failed. Try again."
            await self._refuse(turn_id, "internal", sentence, retry=True)
        else:
            if not ended:
                # This process goes away, or the conversation was deleted: asked again, it is told which.
                sentence = "This turn cannot be followed here any more. Ask again."
                await self._refuse(turn_id, "going_away", sentence, retry=True)
        if self._follows.get(turn_id) is asyncio.current_task():
            del self._follows[turn_id]

    async def _refuse(self, turn_id: str, code: str, message: str, *, retry: bool) -> None:
        await self._send(
            {"type": "turn.refused", "turn_id": turn_id, "code": code, "message": message, "retry": retry}
        )


def joined(batch: Sequence[Event]) -> list[dict[str, Any]]:
    """The events as a frame has them: neighbouring deltas are one, which stands for `first` to `seq`."""
    found: list[dict[str, Any]] = []
    for event in batch:
        data = orjson.loads(event.data)
        last = found[-1] if found else None
        if event.kind == "delta" and last is not None and last["event"] == "delta":
            last["data"]["text"] += data["text"]
            last.setdefault("first", last["seq"])
            last["seq"] = event.seq
        else:
            found.append({"seq": event.seq, "event": event.kind, "data": data})
    return found
