"""News between processes: what one of them changed, told to all gateways over Valkey."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson

from core.errors import HeadraceError
from core.keyvalue import KeyValue
from core.log import get_logger
from core.tasks import end_task

log = get_logger(__name__)

_PERSON = "headrace:events:person:"
_STOP = "headrace:events:stop"


class Listener(Protocol):
    """Where news goes inside one gateway process."""

    def deliver(self, user_id: str, event: bytes) -> None: ...

    def news_lost(self) -> None:
        """The connection was broken for a while, and nobody knows what passed."""
        ...


StopListener = Callable[[str], Awaitable[None]]


class EventBus:
    """Publishing is best effort: clients read the truth again after a reconnect, so a lost event costs only
    time, and never fails the request that caused it."""

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue
        self._task: asyncio.Task[None] | None = None

    async def publish(self, user_id: str, event: Mapping[str, Any]) -> None:
        """Tell all open tabs of `user_id`; `event` has a `type`."""
        await self._send(_PERSON + user_id, orjson.dumps(event))

    async def ask_to_stop(self, turn_id: str) -> None:
        """Ask whichever process runs this turn to stop it."""
        await self._send(_STOP, turn_id.encode())

    async def listen(self, listener: Listener, on_stop: StopListener) -> None:
        """Deliver news to `listener`, and wishes to stop a turn to `on_stop`, until `stop`."""
        self._task = asyncio.create_task(self._run(listener, on_stop), name="event-bus")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _run(self, listener: Listener, on_stop: StopListener) -> None:
        async for news in self._keyvalue.subscribe(channels=[_STOP], patterns=[_PERSON + "*"]):
            if news.lost:
                listener.news_lost()
            elif news.channel == _STOP:
                await on_stop(news.payload.decode())
            else:
                listener.deliver(news.channel.removeprefix(_PERSON), news.payload)

    async def _send(self, channel: str, payload: bytes) -> None:
        try:
            await self._keyvalue.publish(channel, payload)
        except HeadraceError as error:
            log.warning("events.not_published", channel=channel, error=error.detail)
