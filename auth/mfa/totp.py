"""Time-based one-time passwords (RFC 6238): six digits, SHA-1, steps of 30 seconds, as every app expects."""

import hmac
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
DIGITS: Final = 6
# Clocks of phones differ: the code of the step before and after is taken too.
STEPS_APART: Final = 1


def new_secret() -> str:
    """160 random bits in base 32."""
    return pyotp.random_base32(32)


def uri(secret: str, *, account: str, issuer: str) -> str:
    """What an authenticator app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """The time step that the code belongs to, if it is a recent one later than `after`.

    Every step of the window is compared, so that the time it takes tells nothing.
    """
    current = int(now.timestamp()) // STEP_SECONDS
    hotp = pyotp.HOTP(secret, digits=DIGITS)
    found = None
    for step in range(current - STEPS_APART, current + STEPS_APART + 1):
        fits = hmac.compare_digest(hotp.at(step).encode(), code.encode("utf-8", "replace"))
        if fits and step > after:
            found = step
    return found
