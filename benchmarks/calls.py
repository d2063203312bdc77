"""Single requests on loopback, for setting up; what is measured goes through benchmarks/client.py."""

import http.client
from collections.abc import Mapping

import orjson

TIMEOUT_SECONDS = 20.0


def call(
    port: int,
    method: str,
    path: str,
    body: object | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and body of one JSON request; status 0 where nobody answers. No configured proxy is asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(
            method,
            path,
            body=orjson.dumps(body) if body is not None else None,
            headers={**({"content-type": "application/json"} if body is not None else {}), **(headers or {})},
        )
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
