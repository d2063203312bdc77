"""`/v1/chat/completions` and `/v1/completions`: decide once, then move bytes.

These two are plain ASGI applications. Who calls, which revision, what it cost: each is looked at once; the
bytes in between are not parsed and not rendered anew.
"""

import asyncio
import time
from typing import Generic

import msgspec
import orjson
from starlette.types import Message, Receive, Scope, Send

from auth.dependencies import require_inference
from auth.limits.requests import Allowance
from auth.principal import require_may_ask
from core.errors import (
    EngineFailed,
    EngineTimeout,
    HeadraceError,
    ModelNotReady,
    RateLimited,
    Unavailable,
)
from core.log import get_logger
from core.telemetry import new_traceparent
from gateway.inference import EngineResponse, Target
from gateway.inference.sse import FrameBuffer
from gateway.inference.tokens import count_prompt_tokens
from gateway.metrics import FIRST_TOKEN, RELAYS_RUNNING
from gateway.openai_api import body, errors
from gateway.openai_api.account import Account
from gateway.openai_api.body import H, Request
from gateway.openai_api.services import OpenAIServices
from gateway.openai_api.usage_tail import UsageTail, tokens_of
from gateway.usage.tables import NOTHING, Outcome, Tokens

log = get_logger(__name__)

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_REFUSAL_BYTES = 256 * 1024
COUNT_DEADLINE_SECONDS = 10.0
RETRY_AFTER_SECONDS = 5.0


class Call:
    """One request on its way: what is known of it for the answer's headers and the ledger."""

    __slots__ = ("allowance", "begun", "ended", "left", "request_id", "started", "traceparent")

    def __init__(self, scope: Scope) -> None:
        self.request_id: str = scope["headrace.request_id"]
        self.begun = time.perf_counter()
        self.traceparent = new_traceparent(_header(scope, b"traceparent"))
        self.allowance: Allowance | None = None
        self.started = False
        self.ended = False
        # The client closed its connection.
        self.left = False

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What OpenAI's clients read besides the body."""
        found = [(b"openai-processing-ms", b"%d" % ((time.perf_counter() - self.begun) * 1000))]
        if self.allowance is not None:
            limit, remaining, reset = self.allowance
            found.append((b"x-ratelimit-limit-requests", b"%d" % limit))
            found.append((b"x-ratelimit-remaining-requests", b"%d" % remaining))
            found.append((b"x-ratelimit-reset-requests", b"%.3fs" % reset))
        return found


class CompletionRelay(Generic[H]):
    """One of the two completion routes.

    Args:
        route: the engine's route, which is also ours.
        kind: which fields its body must have.
    """

    def __init__(self, services: OpenAIServices, route: str, kind: type[H]) -> None:
        self._services = services
        self._route = route
        self._decoder: msgspec.json.Decoder[H] = msgspec.json.Decoder(kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope)
        try:
            principal = await self._services.auth.authenticate_bearer(_header(scope, b"authorization"))
            require_inference(principal)
            call.allowance = await self._services.auth.request_limits.take_for(principal, "v1")
            raw = await _read_body(receive)
            request = body.read(raw, self._decoder)
            require_may_ask(principal, request.head.model)
            target = self._services.routes.resolve(request.head.model)

            async def count() -> int:
                return await self._count(call, target, request)

            account = await self._services.accounts.open(principal, target, request, count)
            await self._relay(call, account, target, request, receive, send)
        except _AlreadyTold:
            return
        except HeadraceError as error:
            await _refuse(call, error, send)

    async def _relay(
        self,
        call: Call,
        account: Account,
        target: Target,
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
            await self._answer(call, account, target, request, send)
        except asyncio.CancelledError:
            if not call.left:
                await _cut(call, send)
                raise
            # Nobody is there to be told; the cancellation has done its work.
            work.uncancel()
        finally:
            watching.cancel()
            RELAYS_RUNNING.dec()

    async def _answer(
        self, call: Call, account: Account, target: Target, request: Request[H], send: Send
    ) -> None:
        tail = UsageTail(hide=request.hide_usage)
        tokens: Tokens | None = None
        outcome = Outcome.FAILED
        accepted = False
        try:
            response = await self._services.inference.send(
                target, self._route, request.body, request_id=account.reference, traceparent=call.traceparent
            )
            try:
                if response.status != 200:
                    raise await refusal_of(response)
                accepted = True
                if request.stream:
                    await self._stream(call, target, response, tail, send)
                else:
                    tokens = await self._whole(call, response, send)
                outcome = Outcome.COMPLETED
            finally:
                await response.close()
        except asyncio.CancelledError:
            outcome = Outcome.DISCONNECTED
            accepted = True
            raise
        except (EngineFailed, EngineTimeout):
            # Nobody is charged for an answer that never came; what the engine did of it is accounted for.
            accepted, tokens = True, NOTHING
            raise
        finally:
            if accepted:
                self._book(call, account, target, request, outcome, tokens or tail.tokens(), tail.frames)
            else:
                self._services.accounts.drop(account)

    async def _stream(
        self, call: Call, target: Target, response: EngineResponse, tail: UsageTail, send: Send
    ) -> None:
        frames = FrameBuffer()
        kind = response.headers.get("content-type", "text/event-stream").encode()
        await send(_start(call, [(b"content-type", kind), (b"cache-control", b"no-cache")]))
        call.started = True
        first = True
        try:
            async for chunk in response.chunks():
                whole = frames.feed(chunk)
                if not whole:
                    continue
                seen = tail.passes(whole)
                if first:
                    FIRST_TOKEN.labels("api", target.model).observe(time.perf_counter() - call.begun)
                    first = False
                if seen:
                    await send({"type": "http.response.body", "body": seen, "more_body": True})
            if not tail.ended:
                raise EngineFailed("The model stopped in the middle of its answer.")
        except HeadraceError as error:
            # Never a silent end: the error is the last event.
            call.ended = True
            await send({"type": "http.response.body", "body": errors.frame(error), "more_body": False})
            raise _AlreadyTold from error
        call.ended = True
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _whole(self, call: Call, response: EngineResponse, send: Send) -> Tokens | None:
        answer = await response.read(MAX_ANSWER_BYTES)
        kind = response.headers.get("content-type", "application/json").encode()
        await send(_start(call, [(b"content-type", kind), (b"content-length", b"%d" % len(answer))]))
        call.started = call.ended = True
        await send({"type": "http.response.body", "body": answer, "more_body": False})
        return tokens_of(answer)

    def _book(
        self,
        call: Call,
        account: Account,
        target: Target,
        request: Request[H],
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
        self, call: Call, account: Account, target: Target, request: Request[H], outcome: Outcome, made: int
    ) -> None:
        prompt = 0
        try:
            prompt = await self._count(call, target, request)
        except (HeadraceError, ValueError) as error:
            log.warning("api.prompt_not_counted", request_id=call.request_id, error=repr(error))
        self._services.accounts.close(account, outcome, Tokens(prompt, made, exact=False))

    async def _count(self, call: Call, target: Target, request: Request[H]) -> int:
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


async def refusal_of(response: EngineResponse) -> HeadraceError:
    """An engine's answer with an error status, as one of our errors that says the same."""
    text = await response.read(MAX_REFUSAL_BYTES)
    message, param = _said(text)
    retry_after = response.headers.get("retry-after", "")
    seconds = float(retry_after) if retry_after.isdigit() else RETRY_AFTER_SECONDS
    if response.status in (400, 413, 422):
        return errors.BadRequest(message or "The model cannot use this request.", param=param)
    if response.status == 429:
        return RateLimited("The model has too much to do. Try again in a moment.", retry_after=seconds)
    if response.status == 504:
        return EngineTimeout(message)
    if response.status in (404, 502, 503):
        # From the load balancer: no replica is there. From a route without a key: its own sentence.
        return ModelNotReady(message if response.status == 503 else None, retry_after=seconds)
    log.warning("engine.refused", status=response.status, body=text[:300].decode(errors="replace"))
    return EngineFailed()


def _said(text: bytes) -> tuple[str | None, str | None]:
    try:
        error = orjson.loads(text)["error"]
        message, param = error["message"], error.get("param")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None, None
    return str(message)[:1000], param if isinstance(param, str) else None


def _start(call: Call, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": [*headers, *call.headers()]}


async def _cut(call: Call, send: Send) -> None:
    """This process goes away before the answer is whole: the client is told, in its stream or as an error."""
    error = Unavailable("This server is restarting. Send the request again.", retry_after=1)
    if not call.started:
        await _refuse(call, error, send)
    elif not call.ended:
        call.ended = True
        await send({"type": "http.response.body", "body": errors.frame(error), "more_body": False})


async def _refuse(call: Call, error: HeadraceError, send: Send) -> None:
    content = errors.envelope(error)
    await send(
        {
            "type": "http.response.start",
            "status": errors.status(error),
            "headers": [*errors.headers(error), (b"content-length", b"%d" % len(content)), *call.headers()],
        }
    )
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def _read_body(receive: Receive) -> bytes:
    """The whole body. Its size is bounded by the middleware around every route."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        return whole
    parts = bytearray()
    while message["type"] == "http.request":
        parts += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(parts)
        message = await receive()
    raise errors.BadRequest("The request ended before its body did.")


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return None


class _AlreadyTold(Exception):
    """The client has had the error as the last event of its stream."""
