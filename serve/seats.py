"""Who may be in an engine at the same time, and who waits for whom.

An engine that is full keeps its own queue in the order of arrival, and nobody could say how long it is. So no
more requests enter than the engine works on at once; the others wait here, chats before programs before jobs.
Jobs leave some of the places free, so that whoever comes beside a backlog finds one: no engine takes a place
from a job that runs.
"""

import asyncio
import heapq
import time
from collections.abc import Callable, Sequence
from typing import Final

from core.priority import Priority
from serve.recent_peak import RecentPeak

MOST_TOLD: Final = 500
# Chats come in waves: so long at least it is remembered how many there were at once.
WAVE_SECONDS: Final = 30.0


# Which part of the places and of the tokens a kind leaves free; of places at least one where there are two.
LEFT_FREE: Final = {Priority.CHAT: 0.0, Priority.API: 0.0, Priority.JOB: 1 / 4}


class Seat:
    """A request's place, or its wait for one."""

    __slots__ = ("_given", "_order", "_seats", "left", "priority", "reference", "tokens")

    def __init__(self, seats: "Seats", priority: Priority, tokens: int, reference: str, order: int) -> None:
        self._seats = seats
        self._order = order
        self._given: asyncio.Event = asyncio.Event()
        self.priority = priority
        self.tokens = tokens
        self.reference = reference
        self.left = False

    def __lt__(self, other: "Seat") -> bool:
        return (self.priority, self._order) < (other.priority, other._order)

    @property
    def given(self) -> bool:
        """Whether the request may enter."""
        return self._given.is_set()

    def give(self) -> None:
        """Called by its Seats."""
        self._given.set()

    async def wait(self) -> None:
        """Returns when the request may enter."""
        await self._given.wait()

    def leave(self) -> None:
        """The request is over, or does not wait any more."""
        if not self.left:
            self.left = True
            self._seats.left(self)


class Seats:
    """The places of one engine.

    Args:
        most: how many requests the engine works on at once.
        tokens: of prompts and answers together, what it holds at once. Only programs and jobs wait for
            those: an engine that runs out of room takes it from them, as they have the lower priority.
    """

    def __init__(self, most: int, tokens: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seats = {
            kind: max(1, most - (max(1, int(most * share)) if share else 0))
            for kind, share in LEFT_FREE.items()
        }
        self._tokens = {kind: int(tokens * (1 - share)) for kind, share in LEFT_FREE.items()}
        self._waiting: list[Seat] = []
        self._order = 0
        self._held = 0
        self._chats = 0
        self._chats_running = 0
        self._wave = RecentPeak(WAVE_SECONDS, clock)
        self.running = 0
        # Tokens of all that run or wait.
        self.backlog = 0

    def take(self, priority: Priority, tokens: int, reference: str) -> Seat:
        """A place, perhaps at once: see `Seat.given`. It has to be left, whether it was given or not."""
        self._order += 1
        seat = Seat(self, priority, tokens, reference, self._order)
        heapq.heappush(self._waiting, seat)
        self.backlog += tokens
        if priority is Priority.CHAT:
            self._chats += 1
            self._wave.saw(self._chats)
        self._let_in()
        return seat

    def left(self, seat: Seat) -> None:
        """Called by a Seat."""
        self.backlog -= seat.tokens
        is_chat = seat.priority is Priority.CHAT
        self._chats -= is_chat
        if seat.given:
            self.running -= 1
            self._chats_running -= is_chat
            self._held -= seat.tokens
        self._let_in()

    def waiting(self) -> Sequence[str]:
        """The references of those who wait, the next one first; so many as are told."""
        there = (seat for seat in self._waiting if not seat.left)
        return [seat.reference for seat in heapq.nsmallest(MOST_TOLD, there)]

    @property
    def waiters(self) -> int:
        """How many wait."""
        return sum(not seat.left for seat in self._waiting)

    def _let_in(self) -> None:
        while self._waiting:
            first = self._waiting[0]
            if first.left:
                heapq.heappop(self._waiting)
                continue
            if not self._fits(first):
                # Whoever comes after it has no better right to what is free.
                return
            heapq.heappop(self._waiting)
            self.running += 1
            self._chats_running += first.priority is Priority.CHAT
            self._held += first.tokens
            first.give()

    def _fits(self, seat: Seat) -> bool:
        if self.running >= self._seats[seat.priority]:
            return False
        if seat.priority is Priority.JOB and self.running >= self._most - self._kept_for_a_wave():
            return False
        # A request that is larger than all there is runs alone, or it would never.
        return (
            seat.priority is Priority.CHAT
            or self.running == 0
            or self._held + seat.tokens <= self._tokens[seat.priority]
        )

    def _kept_for_a_wave(self) -> int:
        """Places that chats need to be as many again as they lately were; one is never kept from jobs.

        That a wave is forgotten is found out when the next request comes or goes.
        """
        return min(self._wave.value, self._most - 1) - self._chats_running
