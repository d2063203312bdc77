"""The open WebSockets of this process."""

import asyncio
from collections import defaultdict

from core.log import get_logger
from gateway.metrics import SOCKETS

log = get_logger(__name__)

# A tab that does not read for this many events is closed; it reads everything anew when it reconnects.
MAX_WAITING = 256
MAX_SOCKETS_PER_PERSON = 32


class Subscription:
    """What waits to be written to one socket. `overrun` says that the reader was too slow.

    Args:
        models: names of the models that its person may ask; None for all of them.
    """

    def __init__(self, models: frozenset[str] | None = None) -> None:
        self.models = models
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING)
        self.overrun = False

    def put(self, event: bytes) -> None:
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.end(overrun=True)

    def end(self, *, overrun: bool = False) -> None:
        """Make the reader stop; what still waits is dropped."""
        self.overrun = overrun
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """Delivers events to the sockets they are for."""

    def __init__(self) -> None:
        self._people: dict[str, set[Subscription]] = defaultdict(set)

    def subscribe(self, user_id: str, models: frozenset[str] | None = None) -> Subscription | None:
        """A place for one socket, or None when this person has too many already."""
        mine = self._people[user_id]
        if len(mine) >= MAX_SOCKETS_PER_PERSON:
            return None
        subscription = Subscription(models)
        mine.add(subscription)
        SOCKETS.inc()
        return subscription

    def unsubscribe(self, user_id: str, subscription: Subscription) -> None:
        mine = self._people.get(user_id)
        if mine is not None and subscription in mine:
            mine.discard(subscription)
            SOCKETS.dec()
            if not mine:
                del self._people[user_id]

    def has(self, user_id: str) -> bool:
        """Whether this process holds a socket of this person."""
        return user_id in self._people

    def deliver(self, user_id: str, event: bytes) -> None:
        """Give `event` to every socket of one person."""
        for subscription in list(self._people.get(user_id, ())):
            subscription.put(event)

    def deliver_of_model(self, model: str, event: bytes) -> None:
        """Give `event` to every socket whose person may ask this model."""
        for mine in list(self._people.values()):
            for subscription in list(mine):
                if subscription.models is None or model in subscription.models:
                    subscription.put(event)

    def news_lost(self) -> None:
        """Make every tab connect again, because then it reads the truth anew."""
        self.close_all()

    def close_all(self) -> None:
        """End every socket."""
        for mine in self._people.values():
            for subscription in mine:
                subscription.end()
