"""Tells every process at once that a session, a key or a user's rights have ended."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import orjson

from core.errors import Unavailable
from core.keyvalue import KeyValue
from core.log import get_logger
from core.tasks import end_task

log = get_logger(__name__)

CHANNEL = "headrace:auth"
VERSION = 1


class Kind(StrEnum):
    """What was taken back."""

    SESSION = "session"
    KEY = "key"
    USER = "user"
    """Role, status or address changed: whatever is cached of this person is to be read again."""
    GROUP = "group"
    """The same for everybody in this group."""


class Announcer(Protocol):
    """What services need of this."""

    async def announce(self, kind: Kind, identifier: str) -> None:
        """Called after the change was committed."""
        ...


class Revocations:
    """Announcements over Valkey's channels. They are the fast way; the short life of every cache entry is the
    sure one, so a lost announcement delays the end and cannot prevent it."""

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue
        self._listeners: list[tuple[Callable[[Kind, str], None], Callable[[], None]]] = []
        self._task: asyncio.Task[None] | None = None

    def listen(self, on_ended: Callable[[Kind, str], None], on_lost: Callable[[], None]) -> None:
        """Call `on_ended` for each announcement, and `on_lost` when some may have passed unseen."""
        self._listeners.append((on_ended, on_lost))

    async def start(self) -> None:
        """Begin to receive."""
        self._task = asyncio.create_task(self._receive())

    async def stop(self) -> None:
        """Stop receiving."""
        if self._task is not None:
            task, self._task = self._task, None
            await end_task(task)

    async def announce(self, kind: Kind, identifier: str) -> None:
        """Apply here at once and tell the others; without Valkey they learn it when their entry has aged."""
        self._apply(kind, identifier)
        message = orjson.dumps({"version": VERSION, "kind": kind, "id": identifier})
        try:
            await self._keyvalue.publish(CHANNEL, message)
        except Unavailable:
            log.warning("auth.announcement_not_sent", kind=kind, id=identifier)

    async def _receive(self) -> None:
        async for published in self._keyvalue.subscribe([CHANNEL]):
            if published.lost:
                for _, on_lost in self._listeners:
                    on_lost()
                continue
            try:
                message = orjson.loads(published.payload)
                kind, identifier = Kind(message["kind"]), str(message["id"])
            except (ValueError, KeyError, TypeError):
                log.warning("auth.announcement_not_understood")
                continue
            self._apply(kind, identifier)

    def _apply(self, kind: Kind, identifier: str) -> None:
        for on_ended, _ in self._listeners:
            on_ended(kind, identifier)
