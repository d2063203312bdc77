"""What a request of /v1 may cost, asked before it goes to an engine, and what it did cost, booked after."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from auth.principal import Principal
from core.ids import new_id
from core.postgres import Postgres
from gateway.inference import Target
from gateway.openai_api import body
from gateway.openai_api.body import Request
from gateway.usage.admission import Admission
from gateway.usage.booking import BookingQueue
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Kind, Outcome, Tokens

# How much the newest answer counts in the pace of a model.
_WEIGHT: Final = 0.2
_MOST_MODELS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Account:
    """One request on its way to an engine. Its reference is also what the engine knows it by."""

    entry: Entry
    reserved: bool

    @property
    def reference(self) -> str:
        return self.entry.reference


class Accounts:
    """Opens and closes accounts. Who has no budget costs no question to the database."""

    def __init__(
        self, postgres: Postgres, ledger: LedgerRepository, admission: Admission, booking: BookingQueue
    ) -> None:
        self._postgres = postgres
        self._ledger = ledger
        self._admission = admission
        self._booking = booking
        self._seconds_per_token: dict[str, float] = {}

    async def open(
        self, principal: Principal, target: Target, request: Request[Any], count: Callable[[], Awaitable[int]]
    ) -> Account:
        """Raises core.errors.BudgetExhausted; Unavailable where a budget cannot be asked."""
        entry = Entry(
            id=new_id("led"),
            user_id=principal.user_id,
            key_id=principal.key_id,
            kind=Kind.API,
            # A client may repeat its own request id; each request is still booked.
            reference=new_id("api"),
            model=target.model,
            revision=target.revision,
            outcome=Outcome.FAILED,
            tokens=Tokens(0, 0, exact=False),
        )
        if principal.budgeted:
            await self._reserve(principal, entry, target, request, count)
        self._booking.open(entry, reserved=principal.budgeted)
        return Account(entry, principal.budgeted)

    def move(self, account: Account, target: Target) -> Account:
        """Another revision, or another model, is asked instead; what is reserved stays reserved."""
        entry = replace(account.entry, model=target.model, revision=target.revision)
        self._booking.open(entry, reserved=account.reserved)
        return Account(entry, account.reserved)

    def close(self, account: Account, outcome: Outcome, tokens: Tokens) -> None:
        """What was made is charged, whoever ended it."""
        self._booking.add(replace(account.entry, outcome=outcome, tokens=tokens))

    def drop(self, account: Account) -> None:
        """No engine took it: it costs nothing."""
        self._booking.drop(account.reference)

    def saw(self, model: str, begun: float, tokens: Tokens) -> None:
        """A whole answer took from `begun` (of time.perf_counter) until now."""
        if tokens.completion > 0:
            pace = (time.perf_counter() - begun) / tokens.completion
            known = self._seconds_per_token.get(model)
            if known is not None or len(self._seconds_per_token) < _MOST_MODELS:
                self._seconds_per_token[model] = pace if known is None else known + _WEIGHT * (pace - known)

    def guess(self, model: str, begun: float, most: int) -> int:
        """Tokens of an answer that was cut off before the engine said anything, by the model's usual pace."""
        pace = self._seconds_per_token.get(model)
        return min(most, int((time.perf_counter() - begun) / pace)) if pace else 0

    async def _reserve(
        self,
        principal: Principal,
        entry: Entry,
        target: Target,
        request: Request[Any],
        count: Callable[[], Awaitable[int]],
    ) -> None:
        async def reserve(tokens: int) -> None:
            async with self._postgres.transaction() as connection:
                await self._ledger.reserve(
                    connection,
                    user_id=principal.user_id,
                    key_id=entry.key_id,
                    kind=entry.kind,
                    reference=entry.reference,
                    model=entry.model,
                    revision=entry.revision,
                    tokens=tokens,
                    expires=True,
                )

        bound = body.bound_of(request, target.context_window)
        await self._admission.admit(
            reserve,
            user_id=principal.user_id,
            key_id=entry.key_id,
            answer=bound.answer,
            prompt_at_most=bound.prompt,
            # Several prompts, or pictures, cannot be counted with one question.
            count=count if bound.countable else None,
        )
