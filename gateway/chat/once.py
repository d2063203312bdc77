"""Turns for clients that repeat a request because they did not hear its answer."""

from collections.abc import Awaitable, Callable

from auth.principal import Principal
from core.ids import new_id
from gateway.chat.schemas import RetryIn, TurnIn
from gateway.chat.service import Begun, TurnService
from gateway.chat.tables import TurnStart
from gateway.idempotency.service import Idempotency, Once, fingerprint

TurnOnce = Once[Begun, TurnStart]


class TurnsOnce:
    """`TurnService.begin` and `retry`, at most once for each key of a person. Without a key: every time.

    Raises, besides what those raise: IdempotencyInFlight, IdempotencyMismatch.
    """

    def __init__(self, turns: TurnService, idempotency: Idempotency) -> None:
        self._turns = turns
        self._idempotency = idempotency

    async def begin(
        self,
        principal: Principal,
        conversation_id: str,
        wanted: TurnIn,
        traceparent: str | None,
        key: str | None,
    ) -> TurnOnce:
        """A new message and its answer."""

        async def make(turn_id: str) -> Begun:
            return await self._turns.begin(principal, conversation_id, wanted, traceparent, turn_id)

        return await self._once(principal, f"begin {conversation_id}", wanted, key, make)

    async def retry(
        self, principal: Principal, turn_id: str, wanted: RetryIn, traceparent: str | None, key: str | None
    ) -> TurnOnce:
        """Another answer to the same message."""

        async def make(new_turn_id: str) -> Begun:
            return await self._turns.retry(principal, turn_id, wanted, traceparent, new_turn_id)

        return await self._once(principal, f"retry {turn_id}", wanted, key, make)

    async def _once(
        self,
        principal: Principal,
        address: str,
        wanted: TurnIn | RetryIn,
        key: str | None,
        make: Callable[[str], Awaitable[Begun]],
    ) -> TurnOnce:
        fresh = new_id("trn")
        if key is None:
            return Once(made=await make(fresh))

        async def find(turn_id: str) -> TurnStart | None:
            return await self._turns.find(principal, turn_id)

        body = wanted.model_dump(mode="json", exclude_unset=True)
        return await self._idempotency.once(
            principal.user_id, key, fingerprint(address, body), fresh, make, find
        )
