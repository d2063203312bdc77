"""Somebody to measure with: an account and an API key, over the gateway's own HTTP API."""

import secrets
from dataclasses import dataclass
from typing import Any, Final

import orjson

from benchmarks.calls import call
from benchmarks.errors import BenchmarkFailed

PASSWORD_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Account:
    """`bearer`: the header of somebody who is signed in; `key`: for `/v1`."""

    bearer: dict[str, str]
    key: str


def introduce(port: int) -> Account:
    """A new account at the gateway on this port. Raises BenchmarkFailed."""
    email = f"{secrets.token_hex(8)}@example.org"
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    registration = {"email": email, "password": password, "name": "Bench"}
    _expect(202, call(port, "POST", "/api/auth/register", registration))
    login = _expect(200, call(port, "POST", "/api/auth/login", {"email": email, "password": password}))
    bearer = {"authorization": f"Bearer {login['access_token']}"}
    key = _expect(201, call(port, "POST", "/api/keys", {"name": "benchmark"}, bearer))["key"]
    return Account(bearer, key)


def _expect(status: int, answer: tuple[int, bytes]) -> dict[str, Any]:
    if answer[0] != status:
        raise BenchmarkFailed(f"The gateway answered {answer[0]}: {answer[1][:500].decode(errors='replace')}")
    found: dict[str, Any] = orjson.loads(answer[1])
    return found
