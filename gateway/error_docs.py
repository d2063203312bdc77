"""`/docs/errors`: what every error code means. The `type` of a problem points here."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse

from core.errors import HeadraceError

RETRY = {True: "The same request may succeed later.", False: "Repeating it unchanged will not help."}


def kinds() -> list[type[HeadraceError]]:
    """Every error that a client can be shown, one a code, by status."""
    found: dict[str, type[HeadraceError]] = {}
    pending = [HeadraceError]
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        # Classes that only narrow another one share its code and its meaning.
        known = found.get(kind.code)
        if known is None or issubclass(known, kind):
            found[kind.code] = kind
    return sorted(found.values(), key=lambda kind: (kind.status, kind.code))


async def error_docs(_: Request) -> HTMLResponse:
    """One section a code."""
    sections = "".join(
        f'<section id="{escape(kind.code)}"><h2>{escape(kind.code)}</h2>'
        f"<p>Status {kind.status}. {escape(kind.title)}.</p><p>{escape(kind.default_detail)}</p>"
        f"<p>{RETRY[kind.retry]}</p></section>"
        for kind in kinds()
    )
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Errors - Headrace</title>'
        f"</head><body><h1>Errors</h1>{sections}</body></html>",
        headers={
            "cache-control": "public, max-age=3600",
            "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        },
    )
