"""What goes around every answer: an id, protective headers, a bound on the body, and no inner words."""

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.settings import Settings
from tests.gateway.client import Gateway, Person, listening

PROTECTION = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
        "publickey-credentials-create=(self), publickey-credentials-get=(self)"
    ),
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/conversations", 200),
        ("GET", "/api/models", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/.well-known/jwks.json", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/api/conversations/nothing", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api", 404),
        ("GET", "/v1", 404),
        ("PUT", "/api/conversations", 405),
        ("POST", "/api/conversations", 422),
        ("POST", "/v1/chat/completions", 400),
        ("GET", "/", 503),
        ("POST", "/", 405),
    ],
)
async def test_every_answer_carries_an_id_and_protection_errors_included(
    person: Person, method: str, path: str, status: int
) -> None:
    async with person.http.request(method, path) as response:
        assert response.status == status, await response.text()
        assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])
        for name, value in PROTECTION.items():
            assert response.headers.getall(name) == [value], name
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
        if path != "/":
            assert response.headers["content-security-policy"].startswith("default-src 'none'")
            assert "no-store" in response.headers["cache-control"] or "jwks" in path


async def test_a_stream_carries_them_too(person: Person) -> None:
    turn = await person.begin(await person.conversation())
    async with person.http.get(f"/api/turns/{turn}/events") as response:
        assert response.headers["x-request-id"].startswith("req_")
        for name, value in PROTECTION.items():
            assert response.headers[name] == value
        await response.read()


async def test_what_is_left_of_the_limit_of_requests_is_told(gateway: Gateway, person: Person) -> None:
    async with person.http.get("/api/conversations") as response:
        first = response.headers
    async with person.http.get("/api/conversations/nothing") as response:
        second = response.headers
    limit = gateway.house.settings.requests_per_minute
    left = []
    for headers in (first, second):
        assert headers["RateLimit-Policy"] == f'"requests";q={limit};w=60'
        found = re.fullmatch(r'"requests";r=(\d+);t=(\d+)', headers["RateLimit"])
        assert found is not None
        left.append(int(found[1]))
        assert 0 < int(found[2]) <= 120
    assert left[0] - left[1] == 1
    async with person.http.get("/healthz") as response:
        assert "RateLimit" not in response.headers


async def test_browsers_are_told_to_insist_on_https_only_where_the_address_is_https(
    settings: Settings, gateway: Gateway
) -> None:
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{gateway.url}/healthz") as response:
            assert "strict-transport-security" not in response.headers
        async with (
            listening(settings, public_url="https://chat.example.org") as secure,
            client.get(f"{secure.url}/healthz") as response,
        ):
            assert response.headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize("offered", ["mine-1", "a" * 128, "A.b:c_d"])
async def test_a_harmless_request_id_is_kept(person: Person, offered: str) -> None:
    async with person.http.get("/api/nothing", headers={"x-request-id": offered}) as response:
        assert response.headers.getall("x-request-id") == [offered]
        assert (await response.json())["request_id"] == offered


@pytest.mark.parametrize("offered", ["a" * 129, "a b", "<script>", "é", "", "a\tb"])
async def test_a_request_id_that_could_do_harm_is_replaced(person: Person, offered: str) -> None:
    async with person.http.get("/api/nothing", headers={"x-request-id": offered}) as response:
        assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])


async def test_an_error_is_a_problem_with_everything_the_contract_names(person: Person) -> None:
    async with person.http.get("/api/conversations/nothing") as response:
        assert response.headers["content-type"] == "application/problem+json"
        problem = await response.json()
    request_id = problem.pop("request_id")
    assert request_id == response.headers["x-request-id"]
    assert problem == {
        "type": "/docs/errors#not_found",
        "title": problem["title"],
        "status": 404,
        "detail": problem["detail"],
        "code": "not_found",
        "retry": False,
    }
    assert problem["detail"].endswith(".")


async def test_what_crashes_is_told_without_its_inside(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2 at line 42")

    monkeypatch.setattr(gateway.house.conversations, "page", crash)
    monkeypatch.setattr(gateway.house.auth.request_limits, "take", crash)
    for path, shape in (("/api/conversations", "code"), ("/v1/chat/completions", "error")):
        async with person.http.request("GET" if "api" in path else "POST", path) as response:
            text = await response.text()
            assert response.status == 500
            assert shape in await response.json(content_type=None)
            assert response.headers["x-request-id"].startswith("req_")
            assert response.headers["x-frame-options"] == "DENY"
            for inner in ("hunter2", "RuntimeError", "Traceback", "line 42", ".py"):
                assert inner not in text


async def test_an_error_while_authenticating_is_a_refusal(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(gateway.house.auth.sessions, "authenticate", crash)
    status, problem = await person.call("GET", "/api/conversations")
    assert (status, problem["code"]) == (500, "internal")


async def test_a_body_beyond_the_bound_is_refused_with_and_without_its_length(
    settings: Settings, gateway: Gateway
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"title":"'
        for _ in range(30):
            yield b"x" * 1_000
            await asyncio.sleep(0)
        yield b'"}'

    async with listening(settings, max_body_bytes=20_000) as small:
        someone = await small.person()
        for data in (b'{"title":"' + b"x" * 20_000 + b'"}', pieces()):
            status, problem = await someone.call(
                "POST", "/api/conversations", data=data, headers={"content-type": "application/json"}
            )
            assert (status, problem["code"]) == (413, "payload_too_large")
            assert "20,000" in problem["detail"]
        status, _ = await someone.call("GET", "/api/conversations")
        assert status == 200
        await someone.close()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"17", b"{", b"\xff", b'{"title":', b"[" * 100_000, b'{"a":' * 100_000]
)
async def test_a_body_that_is_no_object_is_refused_and_never_a_crash(person: Person, body: bytes) -> None:
    status, problem = await person.call(
        "POST", "/api/conversations", data=body, headers={"content-type": "application/json"}
    )
    assert (status, problem["code"]) == (422, "invalid")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_json_that_is_not_said_to_be_json_is_not_read(person: Person, kind: str | None) -> None:
    async with person.http.post(
        "/api/conversations",
        data=b'{"title":"x"}',
        headers={"content-type": kind} if kind else {},
        skip_auto_headers=["content-type"],
    ) as response:
        assert response.status in (415, 422)
    assert (await person.call("GET", "/api/conversations"))[1]["items"] == []


async def test_a_wrong_method_names_the_right_ones(person: Person) -> None:
    async with person.http.put("/api/conversations") as response:
        assert (await response.json())["code"] == "method_not_allowed"
        assert response.headers["allow"]


async def test_another_site_may_not_ask_with_a_persons_cookie(gateway: Gateway, person: Person) -> None:
    cookies = {"__Host-headrace_access": person.token}
    async with aiohttp.ClientSession(gateway.url, cookies=cookies) as browser:
        for headers, expected in [
            ({"Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}, 201),
            ({"Origin": "https://evil.example"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Origin": "null"}, 403),
            ({}, 403),
        ]:
            async with browser.post("/api/conversations", json={}, headers=headers) as response:
                assert response.status == expected, headers
        async with browser.options(
            "/api/conversations",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        ) as response:
            assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing", "/v1/nothing", "/"])
async def test_a_socket_to_nowhere_is_refused(gateway: Gateway, path: str) -> None:
    async with aiohttp.ClientSession(gateway.url) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(path)
    assert refused.value.status in (403, 404)
