"""Refresh tokens: random texts, each of which is used once and makes the next."""

import base64
import hashlib
import hmac
import re
from typing import Final

from core.ids import new_secret

PREFIX: Final = "hrr-"
_FORM: Final = re.compile(r"hrr-[A-Za-z0-9_-]{43}")


def new_refresh_token() -> str:
    """The first of a family: 256 random bits."""
    return new_secret(PREFIX)


def digest(token: str) -> bytes | None:
    """What is stored of a token; None for a text that cannot be one."""
    return hashlib.sha256(token.encode()).digest() if _FORM.fullmatch(token) else None


def successor(token: str, secret: bytes, steps: int = 1) -> str:
    """The token that follows `token`.

    It is derived and not drawn, so that two tabs which present the same token at the same moment get the
    same answer although only hashes are stored. Nobody without the server's secret can take the step.
    """
    for _ in range(steps):
        derived = hmac.new(secret, token.encode(), hashlib.sha256).digest()
        token = PREFIX + base64.urlsafe_b64encode(derived).rstrip(b"=").decode()
    return token
