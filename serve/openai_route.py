"""A route backed by OpenAI or any OpenAI-compatible service: the body goes out, the answer's bytes come back.

Nothing of an answer is parsed or rendered again. What is tried again, before the first byte of an answer, is
upstream_client.py's.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp
import orjson

from models.spec import ModelSpec, Upstream
from serve.guard import Message, Receive, Scope, Send, error_body, relative_path
from serve.upstream_client import UpstreamClient
from serve.upstream_errors import RouteError, retry_after

MAX_BODY_BYTES = 32 * 1024 * 1024
_ROUTES = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings"})
# What an answer may say about itself. Cookies, the service's organisation and its server do not pass.
_PASSED = frozenset({"content-type", "openai-processing-ms", "retry-after"})
_ERROR_LIMIT = 64 * 1024
# A token is hardly ever shorter than this in any tokenizer, ideographs included; see `_estimate`.
_BYTES_PER_TOKEN = 2
_MESSAGE_OVERHEAD = 8


class UpstreamRoute:
    """The ASGI application of one upstream model."""

    def __init__(
        self, *, name: str, window: int, upstream: Upstream, base_url: str, keys: Sequence[str]
    ) -> None:
        self._name, self._window, self._upstream = name, window, upstream
        self.client = UpstreamClient(name=name, upstream=upstream, base_url=base_url, keys=keys)
        self._running = 0

    @classmethod
    def from_spec(cls, spec: ModelSpec, environment: Mapping[str, str]) -> "UpstreamRoute":
        """The route of a spec, with the address and the keys, separated by commas, from the environment.

        Raises ValueError.
        """
        upstream = spec.upstream
        if upstream is None:
            raise ValueError(f"{spec.name} has no upstream")
        base_url = upstream.base_url
        if upstream.base_url_env and (named := environment.get(upstream.base_url_env)):
            # The same checks as for an address in a file.
            base_url = Upstream(model=upstream.model, base_url=named).base_url
        return cls(
            name=spec.name,
            window=spec.context_window,
            upstream=upstream,
            base_url=base_url,
            keys=[
                key for part in environment.get(upstream.api_key_env, "").split(",") if (key := part.strip())
            ],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        path = relative_path(scope)
        try:
            if (scope["method"], path) == ("GET", "/health"):
                await _answer(send, 200, b"{}", [])
            elif (scope["method"], path) == ("POST", "/tokenize"):
                await _answer(send, 200, self._estimate(_parse(await _read(receive))), [])
            elif scope["method"] == "POST" and path in _ROUTES:
                await self._relay(path, receive, send)
            else:
                raise RouteError(404, "invalid_request_error", "not_found", f"There is no {path} here.")
        except RouteError as error:
            body = error_body(error.message, error.kind, error.code)
            headers = []
            if error.retry_after is not None:
                headers.append((b"retry-after", str(math.ceil(error.retry_after)).encode()))
            await _answer(send, error.status, body, headers)
        except _Left:
            return

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.client.close()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _relay(self, path: str, receive: Receive, send: Send) -> None:
        if not self.client.keys:
            raise RouteError(
                503,
                "server_error",
                "model_not_configured",
                f"{self._name} is not configured: set {self._upstream.api_key_env} and start it again.",
            )
        raw = await _read(receive)
        body = _parse(raw)
        if body.get("model") not in (None, self._name):
            raise RouteError(
                404,
                "invalid_request_error",
                "model_not_found",
                f"The model {body['model']!r} does not exist.",
            )
        body["model"] = self._upstream.model
        if self._running >= self._upstream.max_concurrency:
            raise RouteError(
                503,
                "server_error",
                "overloaded",
                f"{self._name} has no free place; try again.",
                retry_after=1,
            )
        self._running += 1
        try:
            async with _until_disconnect(receive):
                await self._exchange(path, orjson.dumps(body), send)
        finally:
            self._running -= 1

    async def _exchange(self, path: str, body: bytes, send: Send) -> None:
        response = await self.client.first_byte(path.removeprefix("/v1"), body)
        try:
            # A redirect could lead our key anywhere: it is a failure.
            if response.status >= 300:
                raise await self._translated(response)
            headers = [
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in response.headers.items()
                if name.lower() in _PASSED
            ]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await self._copy(response, send)
        finally:
            # Not release: an answer that was not read to its end must not go back into the pool.
            response.close()

    async def _copy(self, response: aiohttp.ClientResponse, send: Send) -> None:
        streamed = response.headers.get("content-type", "").startswith("text/event-stream")
        tail = b""
        try:
            pieces = response.content.iter_any().__aiter__()
            while True:
                async with asyncio.timeout(self._upstream.idle_timeout_s):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                tail = (tail + piece)[-64:]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            await self._broken(error, streamed, send)
            return
        if streamed and not tail.rstrip().endswith(b"data: [DONE]"):
            await self._broken(None, streamed, send)
            return
        await send({"type": "http.response.body", "body": b""})

    async def _broken(self, error: Exception | None, streamed: bool, send: Send) -> None:
        self.client.broke_off()
        if not streamed:
            # The status has gone out as 200: closing without an end is the only way left to say it.
            raise ConnectionError("the upstream broke off in the middle of an answer") from error
        why = "stopped sending" if isinstance(error, TimeoutError) else "broke off"
        frame = error_body(f"The service behind {self._name} {why}.", "server_error", "upstream_failed")
        await send({"type": "http.response.body", "body": b"\n\ndata: " + frame + b"\n\n"})

    async def _translated(self, response: aiohttp.ClientResponse) -> RouteError:
        """What the service's refusal means to our caller. Its own words are kept where they help."""
        said = await self._error_message(response)
        status = response.status
        pause = retry_after(response.headers.get("retry-after"))
        if status in (401, 403):
            # Our key, not the caller's: to them it is a model that does not work.
            return RouteError(
                503,
                "server_error",
                "model_not_configured",
                f"The service behind {self._name} refuses our key; check {self._upstream.api_key_env}.",
            )
        if status == 429:
            message = said or f"The service behind {self._name} limits our requests."
            return RouteError(429, "rate_limit_error", "rate_limited", message, retry_after=pause or 1)
        if 400 <= status < 500:
            message = said or f"The service behind {self._name} refused the request."
            return RouteError(status, "invalid_request_error", "invalid_request", message)
        return RouteError(
            503 if status == 503 else 502,
            "server_error",
            "upstream_failed",
            f"The service behind {self._name} failed with status {status}.",
            retry_after=pause,
        )

    async def _error_message(self, response: aiohttp.ClientResponse) -> str:
        try:
            async with asyncio.timeout(5):
                raw = await response.content.read(_ERROR_LIMIT)
            said = orjson.loads(raw)["error"]["message"]
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError, KeyError, TypeError):
            return ""
        text = str(said)[:1000]
        # Some services repeat the key they were given.
        return "" if any(key in text for key in self.client.keys) else text

    def _estimate(self, body: dict[str, object]) -> bytes:
        """An upper estimate, as the service's tokenizer is not here: two bytes a token, eight a message."""
        texts: list[str] = []
        messages = body.get("messages")
        if isinstance(messages, list):
            texts += [orjson.dumps(message.get("content") or "").decode() for message in messages]
        elif isinstance(body.get("prompt"), str):
            texts.append(str(body["prompt"]))
        else:
            raise RouteError(400, "invalid_request_error", "invalid_value", "messages or a prompt is needed.")
        count = sum(math.ceil(len(text.encode()) / _BYTES_PER_TOKEN) + _MESSAGE_OVERHEAD for text in texts)
        return orjson.dumps({"count": count, "max_model_len": self._window, "tokens": [], "estimate": True})


class _Left(Exception):
    """The caller hung up."""


@asynccontextmanager
async def _until_disconnect(receive: Receive) -> AsyncIterator[None]:
    """Cancels what is inside when the caller hangs up; raises _Left then."""
    inside = asyncio.current_task()
    left = False

    async def watch() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        if inside is not None:
            inside.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if left:
            raise _Left from None
        raise
    finally:
        watcher.cancel()


def _parse(raw: bytes) -> dict[str, object]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        message = f"The body is not valid JSON: {error}."
        raise RouteError(400, "invalid_request_error", "invalid_json", message) from error
    if not isinstance(body, dict):
        raise RouteError(400, "invalid_request_error", "invalid_json", "The body must be a JSON object.")
    return body


async def _read(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise RouteError(413, "invalid_request_error", "payload_too_large", "The body is too large.")
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
