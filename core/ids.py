"""Identifiers: a prefix that says what they name, and a UUIDv7, which sorts by time of making."""

import os
import re
import secrets
import time
from typing import Final
from uuid import UUID

_PATTERN: Final = re.compile(r"([a-z]{3})_([0-9a-f]{32})")

# An external caller's id may be logged and echoed, so only harmless characters pass.
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def uuid7() -> UUID:
    """A version 7 UUID (RFC 9562): 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def new_id(prefix: str) -> str:
    """A fresh id such as `cnv_0192...`; `prefix` is three lower-case letters."""
    return f"{prefix}_{uuid7().hex}"


def is_id(prefix: str, value: str) -> bool:
    """Whether `value` could be an id that `new_id(prefix)` made."""
    match = _PATTERN.fullmatch(value)
    return match is not None and match.group(1) == prefix


def new_secret(prefix: str = "", size: int = 32) -> str:
    """`size` random bytes in URL-safe characters behind `prefix`."""
    return prefix + secrets.token_urlsafe(size)


def request_id(offered: str | None = None) -> str:
    """The caller's request id if it is harmless, else a new one."""
    if offered is not None and _REQUEST_ID.fullmatch(offered):
        return offered
    return f"req_{secrets.token_hex(16)}"
