"""What others may do when a turn has ended, without chat knowing them."""

from typing import Protocol

from core.postgres import Connection
from gateway.chat.tables import TurnEnd, TurnStart


class AfterTurn(Protocol):
    """Called inside the transaction that settles a turn: its writes are there if the turn is."""

    async def turn_settled(self, connection: Connection, turn: TurnStart, end: TurnEnd) -> None: ...
