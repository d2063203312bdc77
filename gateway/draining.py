"""A gateway's end: it says so first, then takes nothing new, then finishes or hands over what it has."""

import asyncio
import socket
from types import FrameType

import uvicorn

from gateway.envelope import Envelope
from gateway.house import House
from gateway.shared_listener import SharedListener

# Nothing asked for so long: whoever still has a connection does not use it.
QUIET_SECONDS = 0.2
LOOK_SECONDS = 0.02


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which drains before it ends.

    At once `/readyz` says 503 and every answer is the last on its connection, so that clients and load
    balancers leave by themselves. After `grace` the listener is closed; turns are finished or handed over.
    An answer that began before all this did not say that it is the last: whoever got it asks once more on the
    same connection, and is answered. So connections are closed only when nothing was asked for a while; what
    is still not answered when `patience` is over is told so.

    Args:
        grace: seconds in which requests are still taken.
        patience: seconds after that in which what runs may end.
        shared: other processes accept from the same socket, so this one stops accepting at once.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        house: House,
        envelope: Envelope,
        *,
        grace: float,
        patience: float,
        shared: bool,
    ) -> None:
        super().__init__(config)
        self._house = house
        self._envelope = envelope
        self._grace = grace
        self._patience = patience
        self._shared = shared
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False
        self._listeners: list[SharedListener] = []
        self._waiting: asyncio.Future[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; a socket that is shared is shared fairly."""
        if sockets is None or not self._shared:
            await super().startup(sockets)
            return
        await super().startup([])
        self._listeners = [SharedListener(listener, self._protocol) for listener in sockets]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        self._stop_listening()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        # As uvicorn makes it in its own startup; the setting's type knows no arguments.
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

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
            self._stop_listening()
        self._loop.call_later(self._grace, self._leave)

    def _leave(self) -> None:
        self._stop_listening()
        self._house.leave()
        self._waiting = asyncio.ensure_future(self._until_quiet())

    def _stop_listening(self) -> None:
        for server in self.servers:
            server.close()
        for listener in self._listeners:
            listener.close()

    async def _until_quiet(self) -> None:
        loop = asyncio.get_running_loop()
        busy, until = loop.time(), loop.time() + self._patience
        while loop.time() < until and loop.time() - busy < max(self._grace, QUIET_SECONDS):
            await asyncio.sleep(LOOK_SECONDS)
            if self.server_state.tasks:
                busy = loop.time()
        self.should_exit = True
