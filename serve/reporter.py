"""Tells a board about once a second what a replica has done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from serve.meter import Meter

logger = logging.getLogger("ray.serve")

INTERVAL_S: Final = 1.0
DEADLINE_S: Final = 5.0
# Also without news, so that a new board learns of replicas that have nothing to do.
ROUNDS_WITHOUT_NEWS: Final = 10

Tell = Callable[[bytes], Awaitable[str]]


class Reporter:
    """Args:
    tell: hands a report over and answers the board's epoch. Whatever it raises, the next round tries again.
    """

    def __init__(self, meter: Meter, tell: Tell) -> None:
        self._meter = meter
        self._tell = tell
        self._epoch = ""
        self._after = 0
        self._failing = False

    async def step(self) -> None:
        """One report. Records count as heard only when the board that heard the earlier ones answers."""
        last = self._meter.last_number
        epoch = await asyncio.wait_for(self._tell(self._meter.report(self._after)), DEADLINE_S)
        if epoch != self._epoch:
            self._epoch, self._after = epoch, 0
            last = self._meter.last_number
            await asyncio.wait_for(self._tell(self._meter.report(0)), DEADLINE_S)
        self._after = last

    async def farewell(self) -> None:
        """The last report, tried once: the figures of the last second would be lost otherwise."""
        try:
            await self.step()
        except Exception as error:  # noqa: BLE001 - the replica ends in any case
            logger.warning("the last usage cannot be reported: %r", error)

    async def run(self) -> None:
        """For as long as the replica lives."""
        told, quiet = (-1, 0, 0), 0
        while True:
            await asyncio.sleep(INTERVAL_S)
            # Every record is of a counted request, so these figures say whether there is news.
            news = (self._meter.requests, *self._meter.queue)
            # While somebody waits, who comes next changes all the time.
            quiet = quiet + 1 if news == told and not news[2] else 0
            if quiet % ROUNDS_WITHOUT_NEWS:
                continue
            try:
                await self.step()
                told, self._failing = news, False
            except Exception as error:  # noqa: BLE001 - control may be anywhere between gone and back
                told = (-1, 0, 0)
                if not self._failing:
                    self._failing = True
                    logger.warning("usage cannot be reported: %r", error)
