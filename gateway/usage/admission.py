"""The way past the budgets: an upper bound that costs nothing, the exact figure only where it decides."""

from collections.abc import Awaitable, Callable

from core.errors import BudgetExhausted
from gateway.usage.budgets import Budgets

Reserve = Callable[[int], Awaitable[None]]
CountPrompt = Callable[[], Awaitable[int]]


class Admission:
    """Asks the ledger, and if it must the engine's own tokenizer."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    async def admit(
        self,
        reserve: Reserve,
        *,
        user_id: str,
        key_id: str | None,
        answer: int,
        prompt_at_most: int,
        count: CountPrompt | None,
    ) -> int:
        """Hold what a request may cost; says how many tokens that is.

        Args:
            reserve: holds that many tokens, or raises BudgetExhausted and changes nothing.
            answer: the most tokens the answer may have.
            prompt_at_most: no fewer than the prompt has.
            count: the prompt's tokens, asked of the engine; None where `prompt_at_most` is exact.

        Raises: core.errors.BudgetExhausted, which says which budget and until when; what `count` raises.
        """
        wanted = prompt_at_most + answer
        try:
            await reserve(wanted)
            return wanted
        except BudgetExhausted as refused:
            statuses = await self._budgets.concerning(user_id, key_id)
            least = min((status.remaining for status in statuses), default=wanted)
            # A prompt has at least one token: nobody is asked to count where that is too much already.
            if count is None or answer + 1 > least:
                raise self._budgets.refusal(statuses, wanted) from refused
        wanted = await count() + answer
        try:
            await reserve(wanted)
            return wanted
        except BudgetExhausted as refused:
            statuses = await self._budgets.concerning(user_id, key_id)
            raise self._budgets.refusal(statuses, wanted) from refused
