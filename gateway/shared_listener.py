"""Taking connections from a socket that other processes take them from too."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from core.log import get_logger

log = get_logger(__name__)

# Longer than it takes a process that sleeps to wake.
TURN_SECONDS: Final = 0.001
# After an error of the system, such as too many open files.
PAUSE_SECONDS: Final = 0.5


class SharedListener:
    """One connection at a time, with a moment between two in which the others have their turn.

    A server of the event loop takes whoever waits: of a crowd that comes at once, nearly all would go to the
    process that happened to wake first, and stay there for as long as they keep their connections.

    Args:
        listener: the socket. It is not closed here.
        protocol: makes the protocol of one connection.
    """

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listener = listener
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        # The loop keeps no reference to its tasks.
        self._opening: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Take nobody any more; connections stay."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._loop.remove_reader(self._listener)

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._take)

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            # Another process was quicker, or the client has left.
            return
        except OSError as error:
            log.error("gateway.not_accepting", error=str(error))
            self._wait(PAUSE_SECONDS)
            return
        self._wait(TURN_SECONDS)
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(seconds, self._listen)

    async def _open(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            # As the loop's own server does: pieces of a stream are small, and go out at once.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError as error:
            # It was reset before it began.
            log.debug("gateway.connection_not_opened", error=str(error))
            connection.close()
