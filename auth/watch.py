"""Lets a long-lived connection learn that the credential which opened it has ended."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from auth.principal import Principal
from auth.revocation import Kind
from core.errors import Unavailable
from core.log import get_logger

log = get_logger(__name__)

# Announcements arrive in milliseconds; this is how late it can be when one was lost.
SWEEP_SECONDS: Final = 2.5


class Liveness(Protocol):
    """Says which of many credentials are live, asked of the database."""

    async def live(self, identifiers: list[str]) -> set[str]: ...


class Watch:
    """The open connections of this process, by the credential that opened each."""

    def __init__(self, sessions: Liveness, keys: Liveness) -> None:
        self._sources = {Kind.SESSION: sessions, Kind.KEY: keys}
        self._watched: dict[tuple[Kind, str], set[asyncio.Event]] = {}
        self._hurry = asyncio.Event()

    @contextmanager
    def ended(self, principal: Principal) -> Iterator[asyncio.Event]:
        """An event that is set within 5 s after the session or key was ended, by whomever and wherever."""
        if principal.session_id is not None:
            key = (Kind.SESSION, principal.session_id)
        else:
            key = (Kind.KEY, principal.key_id or "")
        event = asyncio.Event()
        self._watched.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            events = self._watched[key]
            events.discard(event)
            if not events:
                del self._watched[key]

    def on_ended(self, kind: Kind, identifier: str) -> None:
        """Tell those who wait for this one. What a change of a user ended, the database is asked at once."""
        if kind is Kind.USER:
            self._hurry.set()
        for event in self._watched.get((kind, identifier), ()):
            event.set()

    def on_lost(self) -> None:
        """Announcements may have passed unseen: ask the database at once."""
        self._hurry.set()

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()
            await self.sweep()

    async def sweep(self) -> None:
        """Ask the database about all of them, in one query a kind, and tell those that have ended."""
        for kind, source in self._sources.items():
            identifiers = [identifier for watched, identifier in self._watched if watched is kind]
            if not identifiers:
                continue
            try:
                live = await source.live(identifiers)
            except Unavailable:
                # Nobody can end anything either while the database is away; the next sweep is near.
                log.warning("auth.sweep_failed", watched=len(identifiers))
                continue
            for identifier in set(identifiers) - live:
                for event in self._watched.get((kind, identifier), ()):
                    event.set()
