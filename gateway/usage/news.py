"""Tells the open tabs of a person how their budgets stand, whenever one of their turns has ended."""

from typing import Final

import orjson

from auth.limits.requests import RequestLimits
from core.errors import HeadraceError
from core.log import get_logger
from gateway.background import Background
from gateway.events.hub import Hub
from gateway.usage.budgets import Budgets
from gateway.usage.schemas import Limits

log = get_logger(__name__)

_TURN_ENDED: Final = b'"type":"turn.ended"'


class LimitNews:
    """Stands between the bus and the hub. Each process asks for the people whose sockets it holds."""

    def __init__(self, hub: Hub, budgets: Budgets, requests: RequestLimits, background: Background) -> None:
        self._hub = hub
        self._budgets = budgets
        self._requests = requests
        self._background = background

    def deliver(self, user_id: str, event: bytes) -> None:
        """Implements `gateway.events.bus.Listener`."""
        self._hub.deliver(user_id, event)
        if _TURN_ENDED in event and self._hub.has(user_id):
            self._background.start(self._tell(user_id))

    def news_lost(self) -> None:
        """Implements `gateway.events.bus.Listener`."""
        self._hub.news_lost()

    async def _tell(self, user_id: str) -> None:
        try:
            statuses = await self._budgets.of(user_id)
        except HeadraceError as error:
            log.warning("limits.not_told", user_id=user_id, error=error.detail)
            return
        if statuses:
            limits = Limits.of(statuses, self._requests.look(user_id)).model_dump(mode="json")
            self._hub.deliver(user_id, orjson.dumps({"type": "limits.updated", "limits": limits}))
