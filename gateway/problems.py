"""Errors rendered, once: problem details (RFC 9457) for /api, OpenAI's shape for /v1."""

import math

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from core.errors import (
    HeadraceError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
)
from core.log import get_logger
from gateway.openai_api import errors as openai_errors

log = get_logger(__name__)

DOCUMENTATION = "/docs/errors#"

# What the framework itself raises.
_FRAMEWORK: dict[int, type[HeadraceError]] = {404: NotFound, 405: MethodNotAllowed, 413: PayloadTooLarge}


def is_openai(path: str) -> bool:
    """Whether clients of this path expect OpenAI's shape."""
    return path.startswith("/v1/") or path == "/v1"


def loggable(path: str) -> str:
    """The path without the secret of a share link."""
    for place in ("/api/shared/", "/shared/"):
        if path.startswith(place):
            return place + "..."
    return path


def render(error: HeadraceError, path: str, request_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of an error on `path`."""
    if is_openai(path):
        return openai_errors.status(error), openai_errors.headers(error), openai_errors.envelope(error)
    body: dict[str, object] = {
        "type": f"{DOCUMENTATION}{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "retry": error.retry,
        "request_id": request_id,
    }
    body.update(error.extras)
    if error.fields:
        body["errors"] = [{"field": field, "message": message} for field, message in error.fields]
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after))))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return error.status, headers, orjson.dumps(body)


def install(app: FastAPI) -> None:
    """Make the framework render every error of ours, and its own, like this."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, HeadraceError)  # noqa: S101 - registered for this type
        return _response(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
        fields = [(_place(item["loc"]), str(item["msg"])) for item in error.errors()[:20]]
        first = f"{fields[0][0]}: {fields[0][1]}" if fields else None
        return _response(
            request, Invalid(f"The request is not valid. {first}." if first else None, fields=fields)
        )

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
        kind = _FRAMEWORK.get(error.status_code, Invalid if error.status_code < 500 else HeadraceError)
        detail = error.detail if kind is PayloadTooLarge else None
        return _response(request, kind(detail, headers=error.headers))

    async def crashed(request: Request, _: Exception) -> Response:
        # Logged by the envelope, which sees it again.
        return _response(request, HeadraceError())

    app.add_exception_handler(HeadraceError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Exception, crashed)


def _place(location: tuple[int | str, ...]) -> str:
    """`("body", "content")` is `content` to the person who sent it."""
    parts = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(parts) or "body"


def _response(request: Request, error: HeadraceError) -> Response:
    if error.status >= 500 and not error.retry:
        log.error(
            "request.failed", path=loggable(request.scope["path"]), code=error.code, detail=error.detail
        )
    status, headers, body = render(error, request.scope["path"], request.scope["headrace.request_id"])
    response = Response(body, status_code=status)
    response.raw_headers.extend(headers)
    return response
