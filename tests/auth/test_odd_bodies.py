"""Whatever is sent to the endpoints of auth, no answer is a 500."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.auth.process import Process

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ["email", "password", "name", "refresh_token", "expires_in_days", "role", "user_id"]
BODY = st.dictionaries(st.sampled_from(FIELDS), JSON | st.text(min_size=15, max_size=40), max_size=5) | JSON
PATHS = [
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/keys"),
    ("POST", "/api/events/ticket"),
    ("GET", "/api/auth/me"),
]
HEADER = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=60)
ALLOWED = {200, 201, 202, 204, 400, 401, 403, 405, 415, 422, 429}


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_odd_json_is_never_our_fault(process: Process, method: str, path: str) -> None:
    seen: list[Any] = []

    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(BODY)
    def collect(body: Any) -> None:
        seen.append(body)

    collect()
    async with process.client() as http:
        for body in seen:
            try:
                answer = await http.request(method, path, json=body)
            except ValueError:
                # NaN and infinity are no JSON; the client itself refuses to send them.
                answer = await http.request(
                    method, path, content=str(body).encode(), headers={"content-type": "application/json"}
                )
            assert answer.status_code in ALLOWED, (body, answer.text)


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_odd_bytes_are_never_our_fault(process: Process, method: str, path: str) -> None:
    bodies = [
        b"",
        b"{",
        b"\x00",
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"email":' * 500,
        b'{"email":"\\ud800","password":"\\udfff","name":"\\ud800"}',
        b'{"email":"a@b.co","password":"\\u0000\\u0000\\u0000","name":"\\u0000"}',
        b'{"email":1e999,"password":-1e999}',
        b"9" * 6000,
        b'{"refresh_token":"\\ud800"}',
        b'{"refresh_token":null,"refresh_token":"x"}',
        b"null",
        b'"' + b"x" * 100_000 + b'"',
    ]
    async with process.client() as http:
        for kind in ("application/json", "text/plain", "application/json; charset=utf-16", "\xff"):
            for body in bodies:
                answer = await http.request(
                    method, path, content=body, headers=[("content-type", kind.encode("latin-1"))]
                )
                assert answer.status_code in ALLOWED, (body[:80], kind, answer.text[:300])


async def test_odd_headers_are_never_our_fault(process: Process) -> None:
    seen: list[str] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(HEADER)
    def collect(text: str) -> None:
        seen.append(text)

    collect()
    sql = ["' OR '1'='1", "'; DROP TABLE users; --", "Bearer hr-' UNION SELECT 1 --", "Bearer a.b' OR 1=1.c"]
    async with process.client() as http:
        for text in seen + sql:
            value = text.encode("latin-1")
            for name in ("authorization", "cookie", "origin", "host", "x-forwarded-for", "user-agent"):
                for path in ("/api/auth/me", "/v1/probe"):
                    answer = await http.get(path, headers=[(name.encode(), value)])
                    assert answer.status_code in {401, 403}, (name, text)
            cookie = b"__Host-headrace_access=" + value + b"; __Host-headrace_refresh=" + value
            for path in ("/api/auth/refresh", "/api/auth/logout", "/api/keys"):
                answer = await http.post(path, headers=[(b"cookie", cookie), (b"user-agent", value)])
                assert answer.status_code in ALLOWED, (path, text)
