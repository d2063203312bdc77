"""Following a turn from any number, wherever it runs."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from gateway.chat import events
from gateway.chat.events import Event
from gateway.chat.live_log import ProcessLiveLogs
from gateway.chat.mirror import Mirrors
from gateway.chat.repository import TurnRepository
from gateway.chat.tables import TurnRow

KEEP_ALIVE_SECONDS = 15.0
# How often the truth in Postgres is looked at while a log that runs elsewhere says nothing.
LOOK_SECONDS = 1.0


class Followers:
    """The events of turns: from this process, from the one that runs it, or from what is stored."""

    def __init__(self, logs: ProcessLiveLogs, mirrors: Mirrors, turns: TurnRepository) -> None:
        self._logs = logs
        self._mirrors = mirrors
        self._turns = turns
        self._left = False

    def leave(self) -> None:
        """This process goes away: whoever follows a turn here follows it at another, from the next number."""
        self._left = True
        self._logs.move_all()
        self._mirrors.leave()

    async def follow(self, row: TurnRow, after: int) -> AsyncIterator[Sequence[Event]]:
        """Events above `after` until the terminal one; empty batches keep a connection awake.

        It ends without one when the conversation was deleted, and when this process goes away.
        """
        turn_id, user_id = row.start.id, row.start.user_id
        awake = time.monotonic()
        while True:
            log = self._logs.get(turn_id)
            if log is not None:
                async for batch in log.follow(after, KEEP_ALIVE_SECONDS):
                    after = _last(batch, after)
                    yield batch
                if log.finished:
                    return
            elif row.status.terminal:
                whole = events.replay(row.start, row.end)
                yield whole[min(max(0, after), len(whole) - 1) :]
                return
            elif self._left:
                return
            else:
                async with self._mirrors.of(turn_id) as mirror:
                    async for batch in mirror.follow(after, LOOK_SECONDS):
                        if batch:
                            after = _last(batch, after)
                            awake = time.monotonic()
                            yield batch
                            continue
                        if time.monotonic() - awake >= KEEP_ALIVE_SECONDS:
                            awake = time.monotonic()
                            yield batch
                        now = await self._turns.get(user_id, turn_id)
                        if now is None or now.status.terminal or self._logs.get(turn_id) is not None:
                            # Its end did not reach the log, or it has come here.
                            break
                    if mirror.finished:
                        return
                if mirror.moved and not self._left:
                    await asyncio.sleep(LOOK_SECONDS)
            if self._left:
                return
            found = await self._turns.get(user_id, turn_id)
            if found is None:
                # Its conversation was deleted; there is nothing more to tell.
                return
            row = found


def _last(batch: Sequence[Event], after: int) -> int:
    """The number of the last event that counts."""
    return max([event.seq for event in batch], default=0) or after
