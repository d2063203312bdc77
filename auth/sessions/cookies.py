"""The two cookies of a browser session."""

from typing import Final

from starlette.responses import Response

from auth.sessions.service import Grant

# The prefix makes browsers refuse the cookie unless it is Secure, for the whole site and for this host only.
ACCESS_COOKIE: Final = "__Host-headrace_access"
REFRESH_COOKIE: Final = "__Host-headrace_refresh"


def set_cookies(response: Response, grant: Grant) -> None:
    """Give the browser both tokens, for as long as each can be used."""
    _set(response, ACCESS_COOKIE, grant.access_token, grant.expires_in)
    _set(response, REFRESH_COOKIE, grant.refresh_token, grant.refresh_expires_in)


def clear_cookies(response: Response) -> None:
    """Take both away."""
    _set(response, ACCESS_COOKIE, "", 0)
    _set(response, REFRESH_COOKIE, "", 0)


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")
