"""A client that never gives up: what it was told of a turn, over however many connections it took."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from tests.drills.accounts import register
from tests.gateway.client import Person

TERMINAL = ("turn.completed", "turn.stopped", "turn.failed")
PAUSE_SECONDS = 0.2


@dataclass
class Told:
    """The history of one turn as one client saw it.

    Attributes:
        frames: the numbered frames, in their order.
        broken: connections that ended in any other way than that of a response.
        unknown: requests of which nobody knows what became.
        longest_silence: seconds between two numbered frames, at the most.
    """

    frames: list[bytes] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    text: str = ""
    statuses: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    reconnects: int = 0
    broken: int = 0
    unknown: int = 0
    longest_silence: float = 0.0
    turn_id: str = ""

    @property
    def last(self) -> int:
        """The number of the last frame."""
        return len(self.frames)

    @property
    def ended(self) -> bool:
        return bool(self.kinds) and self.kinds[-1] in TERMINAL

    def take(self, frame: bytes) -> None:
        """One frame. Fails when its number is not the next."""
        if frame.startswith(b":"):
            return
        assert b": " in frame.split(b"\n", 1)[0], f"{frame!r} is no event"
        fields = dict(line.split(b": ", 1) for line in frame.rstrip(b"\n").split(b"\n"))
        kind, data = fields[b"event"].decode(), orjson.loads(fields[b"data"])
        if b"id" not in fields:
            self.statuses.append(data["state"])
            if "place" in data:
                self.places.append(data["place"])
            return
        assert int(fields[b"id"]) == self.last + 1, f"{frame!r} came after the frame {self.last}"
        assert not self.ended, f"{frame!r} came after the end"
        self.frames.append(frame)
        self.kinds.append(kind)
        if kind == "delta":
            self.text += data["text"]


async def begin(person: Person, conversation: str, body: dict[str, Any], key: str, told: Told) -> str:
    """POST a turn until it is known that it was taken; the same key each time."""
    async with asyncio.timeout(120):
        while True:
            try:
                async with person.http.post(
                    f"/api/conversations/{conversation}/turns", json=body, headers={"Idempotency-Key": key}
                ) as response:
                    answer = await response.json()
                if response.status == 201:
                    told.turn_id = str(answer["turn_id"])
                    return told.turn_id
                assert answer["retry"] or answer["code"] == "idempotency_in_flight", answer
            except (aiohttp.ClientError, TimeoutError):
                told.unknown += 1
            await asyncio.sleep(PAUSE_SECONDS)


async def follow(person: Person, turn_id: str, told: Told, *, until: int | None = None) -> None:
    """Follow from the last frame that was told, until the end or the frame `until`, whatever breaks."""
    heard = time.monotonic()
    async with asyncio.timeout(240):
        while not told.ended and (until is None or told.last < until):
            try:
                async with person.http.get(
                    f"/api/turns/{turn_id}/events", headers={"Last-Event-ID": str(told.last)}
                ) as response:
                    assert response.status in (200, 429, 500, 502, 503), await response.text()
                    while response.status == 200 and (until is None or told.last < until):
                        frame = await response.content.readuntil(b"\n\n")
                        if not frame:
                            # The response ended as a whole: it goes on elsewhere.
                            break
                        before, now = told.last, time.monotonic()
                        told.take(frame)
                        if told.last > before:
                            told.longest_silence = max(told.longest_silence, now - heard)
                            heard = now
                        if told.ended:
                            return
            except (aiohttp.ClientError, asyncio.IncompleteReadError, TimeoutError):
                told.broken += 1
            if not told.ended and (until is None or told.last < until):
                told.reconnects += 1
                await asyncio.sleep(PAUSE_SECONDS)


async def person_at(url: str, like: Person | None = None) -> Person:
    """A new account, or the same person at another gateway. Connections are as many as asked for."""
    token, user_id = (like.token, like.id) if like is not None else await register(url)
    session = aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=0),
        headers={"Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=40),
    )
    return Person(session, user_id)
