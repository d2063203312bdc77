"""Is it usable yet? One small question per kind of server, asked over a socket with a deadline.

Raw bytes rather than client libraries: the supervisor stays small and starts at once.
"""

import http.client
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cluster.local.errors import NotReady
from cluster.local.ports import LOOPBACK

TIMEOUT = 2.0


class Probe(Protocol):
    """Callable without arguments; raises NotReady with a reason."""

    def __call__(self) -> None: ...


def _ask(port: int, question: bytes, length: int) -> bytes:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=TIMEOUT) as connection:
            connection.sendall(question)
            answer = b""
            while len(answer) < length:
                part = connection.recv(length - len(answer))
                if not part:
                    break
                answer += part
            return answer
    except OSError as error:
        raise NotReady(f"port {port} does not answer ({error})") from error


@dataclass(frozen=True, slots=True)
class PostgresProbe:
    """Asks to log in; a server that is ready asks for the password, one that recovers refuses."""

    port: int

    def __call__(self) -> None:
        parameters = b"user\0headrace\0database\0headrace\0\0"
        startup = struct.pack("!II", len(parameters) + 8, 196608) + parameters
        if _ask(self.port, startup, 1) != b"R":
            raise NotReady("PostgreSQL is still recovering")


@dataclass(frozen=True, slots=True)
class ValkeyProbe:
    """AUTH and PING; while the append-only file is read, the answer is -LOADING."""

    port: int
    password: str

    def __call__(self) -> None:
        question = f"AUTH {self.password}\r\nPING\r\n".encode()
        if _ask(self.port, question, 12) != b"+OK\r\n+PONG\r\n":
            raise NotReady("Valkey is still loading")


@dataclass(frozen=True, slots=True)
class KafkaProbe:
    """ApiVersions, version 0: every broker answers it, whatever it knows."""

    port: int

    def __call__(self) -> None:
        correlation = 7
        request = struct.pack("!hhih", 18, 0, correlation, -1)
        answer = _ask(self.port, struct.pack("!i", len(request)) + request, 8)
        if len(answer) < 8 or struct.unpack("!ii", answer)[1] != correlation:
            raise NotReady("the broker does not speak yet")


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """200 from one path."""

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT

    def __call__(self) -> None:
        status, _ = http_get(self.port, self.path, self.headers, self.timeout)
        if status != 200:
            raise NotReady(f"{self.path} answers {status}")


def http_get(
    port: int, path: str, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> tuple[int, bytes]:
    """One GET on loopback, past any proxy that is configured. Raises NotReady when nothing answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read(1_000_000)
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"port {port} does not answer ({error})") from error
    finally:
        connection.close()


def json_get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Like `http_get`, with the body as JSON; None when it is not JSON."""
    status, body = http_get(port, path, headers)
    try:
        return status, json.loads(body)
    except ValueError:
        return status, None
