"""A gateway's end: it says so first, then takes nothing new, then finishes or hands over what it has."""

import asyncio
import socket
from types import FrameType

import uvicorn

from gateway.envelope import Envelope
from gateway.house import House


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which drains before it ends.

    At once `/readyz` says 503 and every answer is the last on its connection, so that clients and load
    balancers leave by themselves. After `grace` the listener is closed, turns are finished or handed over,
    and what is left when the drain time is over is told so.

    Args:
        grace: seconds in which requests are still taken.
        shared: other processes accept from the same socket, so this one stops accepting at once.
    """

    def __init__(
        self, config: uvicorn.Config, house: House, envelope: Envelope, *, grace: float, shared: bool
    ) -> None:
        super().__init__(config)
        self._house = house
        self._envelope = envelope
        self._grace = grace
        self._shared = shared
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain; another one ends its grace, and a third by Ctrl-C everything."""
        if self._loop is None or not self.started or self._draining:
            super().handle_exit(sig, frame)
            return
        self._loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        """Begin the end."""
        if self._draining or self._loop is None:
            return
        self._draining = True
        self._house.readiness.drain()
        self._envelope.leave()
        if self._shared:
            for server in self.servers:
                server.close()
        self._loop.call_later(self._grace, self._leave)

    def _leave(self) -> None:
        self._house.leave()
        self.should_exit = True
