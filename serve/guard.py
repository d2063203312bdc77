"""What stands before every engine: a pure ASGI layer that lets in our own gateway, on known routes only.

It looks at the request line and the headers, never at the request's body: what that may hold is decided by
the gateway, which has read it anyway, and by the engine's own checks. Of answers it notes what they cost, see
meter.py.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from serve.meter import COUNTED_ROUTES, USAGE, Meter, Watched

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ENGINE_ROUTES = frozenset(
    {
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/tokenize"),
        ("GET", "/health"),
    }
)
# An engine's own headers that would tell about its insides, or that we set ourselves.
_DROPPED = frozenset({b"x-headrace-replica", b"x-request-id", b"server"})
_MAX_REQUEST_ID = 128


def error_body(message: str, kind: str, code: str, param: str | None = None) -> bytes:
    """An error as OpenAI writes it."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


class Guard:
    """Wraps an engine's ASGI application.

    Answers 401 without the internal token, 404 for a route that is not listed, and passes everything else on.
    Each answer carries `x-headrace-replica` and the caller's `x-request-id`. Only HTTP passes; a WebSocket is
    closed.
    """

    def __init__(
        self,
        app: Application,
        token: str,
        replica: str,
        routes: frozenset[tuple[str, str]] | None = ENGINE_ROUTES,
        *,
        echo_request_id: bool = True,
        meter: Meter | None = None,
    ) -> None:
        """`routes`: pairs of method and path below the prefix; None lets every route in.
        `echo_request_id`: False where the server around it repeats `x-request-id` itself.
        `meter`: counts what the engine does; without one nothing is counted."""
        if not token:
            raise ValueError("the internal token is empty")
        self._app = app
        self._expected = b"Bearer " + token.encode()
        self._replica = replica.encode("latin-1")
        self._routes = routes
        self._echo_request_id = echo_request_id
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        if kind != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        presented, request_id = b"", b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                presented = value
            elif name == b"x-request-id":
                request_id = value[:_MAX_REQUEST_ID]
        ours = [(b"x-headrace-replica", self._replica)]
        if request_id and self._echo_request_id:
            ours.append((b"x-request-id", request_id))
        if not hmac.compare_digest(presented, self._expected):
            body = error_body(
                "The internal token is missing or wrong.", "authentication_error", "unauthenticated"
            )
            await _answer(send, 401, body, [*ours, (b"www-authenticate", b"Bearer")])
            return
        path = relative_path(scope)
        if self._routes is not None and (scope["method"], path) not in self._routes:
            body = error_body(
                f"There is no {scope['method']} {path} here.", "invalid_request_error", "not_found"
            )
            await _answer(send, 404, body, ours)
            return
        # The engine gets neither our token nor a chance to repeat it.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"authorization"]

        watched: Watched | None = None
        if self._meter is not None and path in COUNTED_ROUTES:
            scope[USAGE] = watched = Watched()

        async def send_with_ours(message: Message) -> None:
            if watched is not None and message["type"] == "http.response.body":
                watched.sends(message.get("body", b""), more=message.get("more_body", False))
            elif message["type"] == "http.response.start":
                if watched is not None:
                    watched.starts(message["status"], message.get("headers", ()))
                message["headers"] = [
                    *(pair for pair in message.get("headers", ()) if pair[0].lower() not in _DROPPED),
                    *ours,
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_ours)
        finally:
            if watched is not None and self._meter is not None:
                self._meter.ended(watched, request_id.decode("latin-1"))


def relative_path(scope: Scope) -> str:
    """The path below the route prefix. Serve leaves the prefix in both `root_path` and `path`."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
