"""Tickets: a WebSocket cannot send headers of its own, so it shows a text that works once."""

import hashlib
from typing import Final

from core.errors import Unauthenticated
from core.ids import new_secret
from core.keyvalue import KeyValue

LIFETIME_SECONDS: Final = 30


class Tickets:
    """Makes and takes tickets, each of which stands for a session."""

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue

    async def issue(self, session_id: str) -> str:
        """A ticket for LIFETIME_SECONDS. Raises Unavailable."""
        ticket = new_secret()
        await self._keyvalue.set(_key(ticket), session_id, ttl=LIFETIME_SECONDS)
        return ticket

    async def redeem(self, ticket: str) -> str:
        """The session of a ticket, which is gone afterwards. Raises Unauthenticated, Unavailable."""
        session_id = await self._keyvalue.take(_key(ticket))
        if session_id is None:
            raise Unauthenticated("This ticket was used or has expired. Ask for another.")
        return session_id.decode()


def _key(ticket: str) -> str:
    # Hashed, so that whoever can list keys cannot use one.
    return f"headrace:ticket:{hashlib.sha256(ticket.encode('utf-8', 'replace')).hexdigest()}"
