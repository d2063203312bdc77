"""One request of /v1 on its way: what its answer's head says, and how it is refused or cut off."""

import time

from starlette.types import Message, Receive, Scope, Send

from auth.limits.requests import Allowance
from core.errors import HeadraceError, Unavailable
from core.telemetry import new_traceparent
from gateway.inference import Target
from gateway.openai_api import errors
from gateway.openai_api.kept import Kept


class Call:
    """One request on its way: what is known of it for the answer's headers and the ledger."""

    __slots__ = (
        "allowance",
        "asked_for",
        "begun",
        "counts",
        "ended",
        "kept",
        "left",
        "request_id",
        "served_by",
        "started",
        "traceparent",
        "wait",
    )

    def __init__(self, scope: Scope) -> None:
        self.request_id: str = scope["headrace.request_id"]
        self.begun = time.perf_counter()
        self.traceparent = new_traceparent(header_of(scope, b"traceparent"))
        self.allowance: Allowance | None = None
        self.asked_for = ""
        # A trial of an operator says nothing of how the revision does with people.
        self.counts = True
        # Where a shadow is asked the same.
        self.kept: Kept | None = None
        self.served_by: Target | None = None
        # Seconds to the first token, of an answer that streams.
        self.wait: float | None = None
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
        if (target := self.served_by) is not None:
            found.append((b"x-headrace-model", f"{target.model}@{target.revision}".encode()))
            if target.model != self.asked_for:
                found.append((b"x-headrace-fallback-for", self.asked_for.encode()))
        return found


def start(call: Call, headers: list[tuple[bytes, bytes]]) -> Message:
    """The head of an answer."""
    return {"type": "http.response.start", "status": 200, "headers": [*headers, *call.headers()]}


async def cut(call: Call, send: Send) -> None:
    """This process goes away before the answer is whole: the client is told, in its stream or as an error."""
    error = Unavailable("This server is restarting. Send the request again.", retry_after=1)
    if not call.started:
        await refuse(call, error, send)
    elif not call.ended:
        call.ended = True
        await send({"type": "http.response.body", "body": errors.frame(error), "more_body": False})


async def refuse(call: Call, error: HeadraceError, send: Send) -> None:
    """An error in place of an answer."""
    content = errors.envelope(error)
    await send(
        {
            "type": "http.response.start",
            "status": errors.status(error),
            "headers": [*errors.headers(error), (b"content-length", b"%d" % len(content)), *call.headers()],
        }
    )
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def read_body(receive: Receive) -> bytes:
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


def header_of(scope: Scope, wanted: bytes) -> str | None:
    """One header's value."""
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return None


class AlreadyTold(Exception):
    """The client has had the error as the last event of its stream."""
