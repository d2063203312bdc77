"""Access tokens: JWTs (RFC 9068) that say which session they belong to, and nothing about rights."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

import jwt

from auth.sessions.signing_keys import Keyring
from core.clock import Clock
from core.errors import Unauthenticated
from core.ids import is_id

LIFETIME_SECONDS: Final = 900
LONGEST_TOKEN: Final = 2048
AUDIENCE: Final = "headrace"
TYPE: Final = "at+jwt"
ALGORITHM: Final = "EdDSA"
MOST_REMEMBERED: Final = 20_000
# Clocks of our own processes may differ by this much.
LEEWAY_SECONDS: Final = 5

_HEADER: Final = {"alg", "typ", "kid"}
_CLAIMS: Final = ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says; times in seconds since 1970."""

    user_id: str
    session_id: str
    expires_at: float


class AccessTokens:
    """Makes and checks access tokens.

    A signature costs about 0.1 ms to check, so the claims of a token that passed are remembered by its hash
    until it expires. Whether the session still lives is not asked here.

    Args:
        issuer: our own public address.
    """

    def __init__(self, keyring: Keyring, clock: Clock, *, issuer: str) -> None:
        self._keyring = keyring
        self._clock = clock
        self._issuer = issuer
        self._passed: dict[bytes, Claims] = {}

    def issue(self, user_id: str, session_id: str) -> str:
        """A token for LIFETIME_SECONDS."""
        key = self._keyring.current
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": secrets.token_hex(8),
        }
        assert key.private is not None  # noqa: S101 - the keyring's first key has one
        return jwt.encode(claims, key.private, ALGORITHM, headers={"typ": TYPE, "kid": key.kid})

    def verify(self, token: str) -> Claims:
        """The claims of a token that we made and that is valid now. Raises Unauthenticated."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        claims = self._passed.get(digest)
        now = self._clock.now().timestamp()
        if claims is None:
            claims = self._check(token, now)
            if len(self._passed) >= MOST_REMEMBERED:
                del self._passed[next(iter(self._passed))]
            self._passed[digest] = claims
        if now >= claims.expires_at:
            self._passed.pop(digest, None)
            raise Unauthenticated
        return claims

    def forget(self) -> None:
        """Check every signature again: a key was withdrawn."""
        self._passed.clear()

    def _check(self, token: str, now: float) -> Claims:
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated
        try:
            header = jwt.get_unverified_header(token)
            # Whatever else a header may carry (crit, jwk, jku, x5u, b64) is not ours to understand.
            if set(header) != _HEADER or header["typ"] != TYPE or header["alg"] != ALGORITHM:
                raise Unauthenticated
            key = self._keyring.public_key(header["kid"])
            if key is None:
                raise Unauthenticated
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=AUDIENCE,
                # Times are compared below, with our own clock.
                options={
                    "require": _CLAIMS,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated from error
        times = [claims[name] for name in ("iat", "nbf", "exp")]
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in times):
            raise Unauthenticated
        issued, not_before, expires = times
        if max(issued, not_before) > now + LEEWAY_SECONDS or expires > issued + LIFETIME_SECONDS:
            raise Unauthenticated
        user_id, session_id = claims["sub"], claims["sid"]
        if not (isinstance(session_id, str) and is_id("usr", user_id) and is_id("ses", session_id)):
            raise Unauthenticated
        return Claims(user_id, session_id, float(expires))
