"""What goes around every request: an id, a bound on its body, headers that protect, and a last catch."""

from typing import Final

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.dependencies import ALLOWANCE
from core.errors import HeadraceError, PayloadTooLarge
from core.ids import request_id
from core.log import get_logger
from gateway.metrics import REQUESTS
from gateway.problems import is_openai, loggable, render

log = get_logger(__name__)

_PROTECTION: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
        b"publickey-credentials-create=(self), publickey-credentials-get=(self)",
    ),
)
_API_CSP: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE: Final = (b"cache-control", b"no-store")


class Envelope:
    """Pure ASGI, so that a streamed chunk passes through one plain call.

    Args:
        max_body_bytes: a longer body is refused, whether it says its length or not.
        https: whether the public address is https, so that browsers may be told to insist on it.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, https: bool) -> None:
        self._app = app
        self._max = max_body_bytes
        self._always = (
            *_PROTECTION,
            *([(b"strict-transport-security", b"max-age=31536000; includeSubDomains")] if https else []),
        )

    def leave(self) -> None:
        """From now on every answer is the last on its connection."""
        self._always = (*self._always, (b"connection", b"close"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            scope["headrace.request_id"] = request_id()
            await self._app(scope, receive, send)
            return
        offered = length = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                offered = value.decode("latin-1")
            elif name == b"content-length":
                length = value
        known = scope["headrace.request_id"] = request_id(offered)
        path: str = scope["path"]
        private = not is_page(path)
        status = 0
        complete = False

        async def send_wrapped(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.body":
                complete = not message.get("more_body", False)
            elif message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = [*message["headers"], (b"x-request-id", known.encode())]
                # What an answer says of itself stands.
                said = {name for name, _ in headers}
                headers.extend(pair for pair in self._always if pair[0] not in said)
                allowance = scope.get(ALLOWANCE)
                if allowance is not None:
                    headers.extend(allowance.fields())
                if private:
                    headers.append(_API_CSP)
                    if b"cache-control" not in said:
                        headers.append(_NO_STORE)
            await send(message)

        try:
            if length is not None:
                # A length that is not a number never gets past the server in front of us.
                if int(length) > self._max:
                    raise PayloadTooLarge(_too_large(self._max))
            elif scope["method"] in ("POST", "PUT", "PATCH", "DELETE"):
                receive = _Bounded(receive, self._max)
            await self._app(scope, receive, send_wrapped)
        except Exception as error:
            if isinstance(error, HTTPException) and error.status_code == PayloadTooLarge.status:
                # Our own, from a route that has no framework around it.
                error = PayloadTooLarge(error.detail)
            elif not isinstance(error, HeadraceError):
                log.exception("request.crashed", path=loggable(path), request_id=known)
                error = HeadraceError()
            if complete:
                # The framework raises again what it has answered.
                return
            if status:
                # The answer has begun: cutting the connection is the only way to say that it is not whole.
                raise
            code, headers, body = render(error, path, known)
            await send_wrapped(
                {
                    "type": "http.response.start",
                    "status": code,
                    "headers": [*headers, (b"content-length", b"%d" % len(body))],
                }
            )
            await send_wrapped({"type": "http.response.body", "body": body})
        finally:
            surface = "openai" if is_openai(path) else "api" if private else "page"
            REQUESTS.labels(surface, status).inc()


class _Bounded:
    """Counts a body that did not say its length."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > self._most:
                # The framework's own kind: any other that is raised while it reads becomes "cannot be read".
                raise HTTPException(PayloadTooLarge.status, _too_large(self._most))
        return message


def is_page(path: str) -> bool:
    """Whether this is an address of the page, not of an API."""
    return not f"{path}/".startswith(("/api/", "/v1/", "/healthz/", "/readyz/", "/.well-known/"))


def _too_large(most: int) -> str:
    return f"The request is larger than the {most:,} bytes that this server accepts."
