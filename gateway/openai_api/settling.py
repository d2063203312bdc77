"""What a relayed request is charged, whoever ended it."""

import asyncio
from typing import Any, Final

from core.errors import EngineTimeout, HeadraceError
from core.log import get_logger
from gateway.inference import Target
from gateway.inference.tokens import count_prompt_tokens
from gateway.openai_api import body
from gateway.openai_api.account import Account
from gateway.openai_api.body import Request
from gateway.openai_api.call import Call
from gateway.openai_api.services import OpenAIServices
from gateway.usage.tables import Outcome, Tokens

log = get_logger(__name__)

COUNT_DEADLINE_SECONDS: Final = 10.0


class Settling:
    """Closes accounts: by what the engine said, else by what passed by."""

    def __init__(self, services: OpenAIServices) -> None:
        self._services = services

    def book(
        self,
        call: Call,
        account: Account,
        target: Target,
        request: Request[Any],
        outcome: Outcome,
        tokens: Tokens | None,
        frames: int,
    ) -> None:
        """What was made is charged, whoever ended it."""
        accounts = self._services.accounts
        if tokens is not None:
            if outcome is Outcome.COMPLETED and not request.stream:
                accounts.saw(target.model, call.begun, tokens)
            accounts.close(account, outcome, tokens)
            return
        # Cut off before the engine said what it cost: each frame is a token, and the engine counts the
        # prompt. What the engine itself recorded of it replaces the estimate; see gateway.usage.reconciler.
        if request.stream:
            made = max(0, frames - 1)
        else:
            most = body.bound_of(request, target.context_window).answer
            made = accounts.guess(target.model, call.begun, most)
        self._services.background.start(self._book_estimate(call, account, target, request, outcome, made))

    async def _book_estimate(
        self, call: Call, account: Account, target: Target, request: Request[Any], outcome: Outcome, made: int
    ) -> None:
        prompt = 0
        try:
            prompt = await self.count(call, target, request)
        except (HeadraceError, ValueError) as error:
            log.warning("api.prompt_not_counted", request_id=call.request_id, error=repr(error))
        self._services.accounts.close(account, outcome, Tokens(prompt, made, exact=False))

    async def count(self, call: Call, target: Target, request: Request[Any]) -> int:
        """The prompt's tokens. Raises EngineTimeout, and what the engine's refusal means."""
        try:
            async with asyncio.timeout(COUNT_DEADLINE_SECONDS):
                return await count_prompt_tokens(
                    self._services.inference,
                    target,
                    body.prompt_of(request),
                    request_id=call.request_id,
                    traceparent=call.traceparent,
                )
        except TimeoutError as error:
            raise EngineTimeout from error
