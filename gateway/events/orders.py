"""What a client may ask for over its socket."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from auth.principal import Principal

# A JSON text.
SendFrame = Callable[[bytes], Awaitable[None]]


class Orders(Protocol):
    """Takes the frames of one socket, one after the other."""

    async def take(self, frame: Mapping[str, Any]) -> None:
        """Do what the frame asks for; one that is not understood is passed over."""
        ...

    async def close(self) -> None:
        """The socket is gone."""
        ...


MakeOrders = Callable[[Principal, SendFrame], Orders]
