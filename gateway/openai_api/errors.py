"""Errors in OpenAI's shape."""

import math

import orjson

from core.errors import BudgetExhausted, HeadraceError

# (type, code) that clients of the OpenAI API switch on, for our codes that have a counterpart there.
_NAMES: dict[str, tuple[str, str | None]] = {
    "unauthenticated": ("invalid_request_error", "invalid_api_key"),
    "forbidden": ("permission_error", "forbidden"),
    "model_not_found": ("invalid_request_error", "model_not_found"),
    "not_found": ("invalid_request_error", "not_found"),
    "method_not_allowed": ("invalid_request_error", "method_not_allowed"),
    "payload_too_large": ("invalid_request_error", "payload_too_large"),
    "rate_limited": ("rate_limit_error", "rate_limit_exceeded"),
    "bad_request": ("invalid_request_error", None),
    "budget_exhausted": ("insufficient_quota", "insufficient_quota"),
}


class BadRequest(HeadraceError):
    """OpenAI answers 400 where our own API answers 422."""

    status = 400
    code = "bad_request"
    title = "The request is not valid"


def status(error: HeadraceError) -> int:
    """The status that OpenAI's clients expect where it is not our own."""
    return 429 if isinstance(error, BudgetExhausted) else error.status


def envelope(error: HeadraceError) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}`."""
    kind, code = _NAMES.get(
        error.code, ("server_error" if error.status >= 500 else "invalid_request_error", error.code)
    )
    return orjson.dumps(
        {"error": {"message": error.detail, "type": kind, "param": error.param, "code": code}}
    )


def headers(error: HeadraceError) -> list[tuple[bytes, bytes]]:
    """What goes with the envelope."""
    found = [(b"content-type", b"application/json")]
    if error.retry_after is not None:
        found.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after))))
    if isinstance(error, BudgetExhausted):
        # The official clients would try again at once.
        found.append((b"x-should-retry", b"false"))
    if error.status == 401:
        found.append((b"www-authenticate", b"Bearer"))
    found.extend((name.lower().encode(), value.encode()) for name, value in error.headers.items())
    return found


def frame(error: HeadraceError) -> bytes:
    """The error as the last event of a stream that had begun."""
    return b"data: " + envelope(error) + b"\n\n"
