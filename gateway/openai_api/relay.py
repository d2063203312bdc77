"""`/v1/chat/completions` and `/v1/completions`: decide once, then move bytes.

These two are plain ASGI applications. Who calls, which revision, what it cost: each is looked at once; the
bytes in between are not parsed and not rendered anew.
"""

import asyncio
import contextlib
from functools import partial
from typing import Generic

import msgspec
from starlette.types import Receive, Scope, Send

from auth.dependencies import require_inference
from auth.principal import Principal, Role, may_ask, require_may_ask
from core.errors import EngineFailed, EngineTimeout, Forbidden, HeadraceError
from core.log import get_logger
from gateway.inference import Claim, EngineResponse, Target
from gateway.inference.claim import ranked
from gateway.metrics import RELAYS_RUNNING
from gateway.openai_api import body, errors
from gateway.openai_api.account import Account
from gateway.openai_api.body import H, Request
from gateway.openai_api.call import AlreadyTold, Call, cut, header_of, read_body, refuse, start
from gateway.openai_api.kept import Kept
from gateway.openai_api.passing import Passing
from gateway.openai_api.refusal import refusal_of
from gateway.openai_api.services import OpenAIServices
from gateway.openai_api.settling import Settling
from gateway.openai_api.usage_tail import UsageTail, tokens_of
from gateway.routing.attempts import Attempts
from gateway.usage.tables import NOTHING, Outcome, Tokens

log = get_logger(__name__)

MAX_ANSWER_BYTES = 64 * 1024 * 1024
# Between a model's name and a revision's; neither can hold it.
PIN = "@"
CHAT = "/v1/chat/completions"


class CompletionRelay(Generic[H]):
    """One of the two completion routes.

    Args:
        route: the engine's route, which is also ours.
        kind: which fields its body must have.
    """

    def __init__(self, services: OpenAIServices, route: str, kind: type[H]) -> None:
        self._services = services
        self._route = route
        self._settling = Settling(services)
        self._decoder: msgspec.json.Decoder[H] = msgspec.json.Decoder(kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope)
        try:
            principal = await self._services.auth.authenticate_bearer(header_of(scope, b"authorization"))
            require_inference(principal)
            call.allowance = await self._services.auth.request_limits.take_for(principal, "v1")
            await self._serve(principal, call, await read_body(receive), receive, send)
        except AlreadyTold:
            return
        except HeadraceError as error:
            await refuse(call, error, send)

    async def answer(
        self, principal: Principal, raw: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """The same for somebody who came another way, and whose body was read there.

        Raises: what refuses the request before its first token.
        """
        with contextlib.suppress(AlreadyTold):
            await self._serve(principal, Call(scope), raw, receive, send)

    async def _serve(
        self, principal: Principal, call: Call, raw: bytes, receive: Receive, send: Send
    ) -> None:
        request = body.read(raw, self._decoder)
        name, pinned, revision = request.head.model.partition(PIN)
        require_may_ask(principal, name)
        call.asked_for = name
        if pinned:
            call.counts = False
            attempts = Attempts([await self._pinned(principal, name, revision)])
        else:
            attempts = Attempts(
                self._services.routes.targets(
                    name, principal.key_id or principal.user_id, partial(may_ask, principal)
                )
            )
            if self._route == CHAT and self._services.copies.chosen(name):
                call.kept = Kept()
        request = body.addressed_to(request, attempts.target.model)

        async def count() -> int:
            return await self._settling.count(call, attempts.target, request)

        account = await self._services.accounts.open(principal, attempts.target, request, count)
        await self._relay(call, account, attempts, request, receive, send)

    async def _pinned(self, principal: Principal, name: str, revision: str) -> Target:
        """The revision that `name@revision` names, with traffic or without: for those who look after models.

        Raises core.errors.Forbidden, ModelNotFound, ModelNotReady.
        """
        user = await self._services.auth.accounts.get(principal.user_id)
        if not user.role.includes(Role.OPERATOR):
            raise Forbidden("Only operators may ask a revision by its name. Ask the model.")
        return self._services.routes.pinned(name, revision)

    async def _relay(
        self,
        call: Call,
        account: Account,
        attempts: Attempts,
        request: Request[H],
        receive: Receive,
        send: Send,
    ) -> None:
        """Ask the engine and pass on what it says; a client that leaves ends the work in the engine."""
        work = asyncio.current_task()
        assert work is not None  # noqa: S101 - a coroutine always runs in a task

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                continue
            call.left = True
            work.cancel()

        watching = asyncio.create_task(watch())
        RELAYS_RUNNING.inc()
        try:
            await self._answer(call, account, attempts, request, send)
        except asyncio.CancelledError:
            if not call.left:
                await cut(call, send)
                raise
            # Nobody is there to be told; the cancellation has done its work.
            work.uncancel()
        finally:
            watching.cancel()
            RELAYS_RUNNING.dec()

    async def _answer(
        self, call: Call, account: Account, attempts: Attempts, request: Request[H], send: Send
    ) -> None:
        """Ask until somebody begins to answer or nobody is left, and book it once."""
        tail = UsageTail(hide=request.hide_usage)
        tokens: Tokens | None = None
        outcome = Outcome.FAILED
        accepted = refused = False
        try:
            while True:
                try:
                    tokens = await self._ask(call, account, attempts.target, request, tail, send)
                    break
                except HeadraceError as error:
                    if call.started or isinstance(error, errors.BadRequest):
                        raise
                    failed = attempts.target
                    target = await attempts.after(error)
                    if call.counts:
                        self._services.figures.saw(failed, failed=True, wait=None, tokens=NOTHING)
                    account = self._services.accounts.move(account, target)
                    request = body.addressed_to(request, target.model)
            accepted = True
            outcome = Outcome.COMPLETED
        except asyncio.CancelledError:
            outcome = Outcome.DISCONNECTED
            accepted = True
            raise
        except errors.BadRequest:
            refused = True
            raise
        except AlreadyTold:
            accepted = True
            raise
        except (EngineFailed, EngineTimeout):
            # Nobody is charged for an answer that never came; what the engine did of it is accounted for.
            accepted, tokens = True, NOTHING
            raise
        finally:
            told = tokens or tail.tokens()
            if accepted:
                self._settling.book(call, account, attempts.target, request, outcome, told, tail.frames)
            else:
                self._services.accounts.drop(account)
            if call.counts and not refused:
                # What a client asked for wrongly says nothing about the revision.
                self._services.figures.saw(
                    attempts.target,
                    failed=outcome is Outcome.FAILED,
                    wait=call.wait,
                    tokens=told or NOTHING,
                )
        if call.kept is not None and attempts.target.model == call.asked_for:
            answered = call.kept.answered(
                account.entry.user_id, attempts.target, request, begun=call.begun, wait=call.wait
            )
            if answered is not None:
                self._services.copies.make(answered)

    async def _ask(
        self,
        call: Call,
        account: Account,
        target: Target,
        request: Request[H],
        tail: UsageTail,
        send: Send,
    ) -> Tokens | None:
        """One request to one revision. What a plain answer cost; None of a stream, whose tail tells."""
        call.served_by = target
        response = await self._services.inference.send(
            target,
            self._route,
            ranked(request.body, target.engine, request.priority),
            request_id=account.reference,
            traceparent=call.traceparent,
            claim=Claim.of(
                request.priority,
                request.body,
                body.answer_of(request.head, target.max_output_tokens),
                body.affinity_of(request.head),
            ),
        )
        try:
            if response.status != 200:
                raise await refusal_of(response)
            if not request.stream:
                return await self._whole(call, response, send)
            await self._stream(call, target, response, tail, send)
            return None
        finally:
            await response.close()

    async def _stream(
        self, call: Call, target: Target, response: EngineResponse, tail: UsageTail, send: Send
    ) -> None:
        try:
            await response.pump(Passing(call, target.model, response, tail, send))
            if not tail.ended:
                # It went away, and said nothing.
                raise EngineFailed("The model stopped in the middle of its answer.")
        except HeadraceError as error:
            if not call.started:
                raise
            # Never a silent end: the error is the last event.
            call.ended = True
            await send({"type": "http.response.body", "body": errors.frame(error), "more_body": False})
            raise AlreadyTold from error
        call.ended = True
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _whole(self, call: Call, response: EngineResponse, send: Send) -> Tokens | None:
        answer = await response.read(MAX_ANSWER_BYTES)
        if call.kept is not None:
            call.kept.add(answer)
        kind = response.headers.get("content-type", "application/json").encode()
        await send(start(call, [(b"content-type", kind), (b"content-length", b"%d" % len(answer))]))
        call.started = call.ended = True
        await send({"type": "http.response.body", "body": answer, "more_body": False})
        return tokens_of(answer)
