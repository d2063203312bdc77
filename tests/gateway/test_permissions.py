"""Every route of the published description, tried by whoever must not get there.

A route that is added without a permission is found here: nobody signed in reaches anything but what is
named in OPEN.
"""

from typing import Any

import aiohttp
import pytest

from core.postgres import Postgres
from tests.gateway.client import Gateway, Person

# What anybody may ask for. Each says the same to everybody, or takes a secret of its own.
OPEN = {
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/login/second-factor"),
    ("POST", "/api/auth/login/second-factor/passkey"),
    ("POST", "/api/auth/login/second-factor/passkey/options"),
    ("POST", "/api/auth/login/passkey"),
    ("POST", "/api/auth/login/passkey/options"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/forgotten-password"),
    ("POST", "/api/auth/reset-password"),
    ("POST", "/api/auth/verification"),
    ("POST", "/api/auth/verify-email"),
    ("GET", "/api/shared/{token}"),
    ("GET", "/api/auth/oauth/providers"),
    ("POST", "/api/auth/oauth/{provider}/begin"),
}
FOR_OPERATORS = {
    ("GET", "/api/admin/models"),
    ("POST", "/api/admin/models"),
    ("POST", "/api/admin/models/{name}/{revision}/deploy"),
    ("POST", "/api/admin/models/{name}/{revision}/retire"),
    ("GET", "/api/admin/models/{name}/{revision}/log"),
    ("PUT", "/api/admin/models/{name}/traffic"),
    ("PUT", "/api/admin/models/{name}/fallback"),
    ("PUT", "/api/admin/models/{name}/shadow"),
    ("GET", "/api/admin/models/{name}/shadow"),
    ("POST", "/api/admin/models/{name}/promote"),
    ("POST", "/api/admin/models/{name}/rollback"),
    ("GET", "/api/admin/promotions"),
    ("POST", "/api/admin/models/{name}/{revision}/answers"),
    ("GET", "/api/admin/comparisons"),
    ("POST", "/api/admin/comparisons"),
    ("GET", "/api/admin/evaluations"),
    ("POST", "/api/admin/evaluations"),
    ("GET", "/api/admin/evaluations/{run_id}"),
    ("POST", "/api/admin/evaluations/{run_id}/again"),
    ("GET", "/api/admin/evaluations/sets"),
    ("PUT", "/api/admin/evaluations/sets/{name}"),
    ("DELETE", "/api/admin/evaluations/sets/{name}"),
    ("GET", "/api/admin/promotions/{promotion_id}"),
}
IDS = "usr_" + "0" * 32

Routes = list[tuple[str, str]]


@pytest.fixture
async def routes(person: Person) -> Routes:
    """(method, path) of everything there is."""
    _, document = await person.call("GET", "/api/openapi.json")
    found = [
        (method.upper(), path) for path, operations in document["paths"].items() for method in operations
    ]
    assert len(found) > 60
    assert set(found) >= OPEN | FOR_OPERATORS, "a route that was open is gone: take it from the list"
    return sorted(found)


def concrete(path: str) -> str:
    """Any id will do where nobody gets as far as looking for it."""
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + IDS + rest.partition("}")[2]
    return path


async def reached(http: aiohttp.ClientSession, routes: Routes) -> dict[tuple[str, str], tuple[int, Any]]:
    """Status and code that each route answers with."""
    answers = {}
    for method, path in routes:
        async with http.request(method, concrete(path)) as response:
            body = await response.json(content_type=None)
            answers[method, path] = response.status, body.get("code") if isinstance(body, dict) else None
    return answers


async def test_nobody_reaches_what_is_not_open(gateway: Gateway, routes: Routes) -> None:
    async with aiohttp.ClientSession(gateway.url) as http:
        answers = await reached(http, [route for route in routes if route not in OPEN])
    assert {route: said for route, said in answers.items() if said != (401, "unauthenticated")} == {}


async def test_a_bad_credential_does_not_help(gateway: Gateway, routes: Routes) -> None:
    closed = [route for route in routes if route not in OPEN]
    for credential in ("Bearer hr-" + "x" * 43, "Bearer eyJ.eyJ.x", "Basic YTpi", "Bearer ' OR 1=1 --"):
        async with aiohttp.ClientSession(gateway.url, headers={"Authorization": credential}) as http:
            answers = await reached(http, closed)
        assert set(answers.values()) == {(401, "unauthenticated")}


async def test_an_api_key_opens_nothing_of_the_account(
    gateway: Gateway, person: Person, routes: Routes
) -> None:
    key = await person.key()
    closed = [route for route in routes if route not in OPEN and not route[1].startswith("/v1/")]
    for header in ("Authorization", "authorization"):
        async with aiohttp.ClientSession(gateway.url, headers={header: f"Bearer {key}"}) as http:
            answers = await reached(http, closed)
        assert {route: said for route, said in answers.items() if said != (403, "forbidden")} == {}
    # A key in another header, or as a cookie, is no key.
    for extra in ({"x-api-key": key}, {"api-key": key}, {"cookie": f"__Host-headrace_access={key}"}):
        async with aiohttp.ClientSession(gateway.url, headers=extra) as http:
            answers = await reached(http, closed)
        assert not any(status < 400 for status, _ in answers.values()), extra


@pytest.mark.parametrize("role", ["user", "operator"])
async def test_a_wrong_role_reaches_nothing_of_the_administrators(
    person: Person, routes: Routes, database: Postgres, role: str
) -> None:
    await database.execute("UPDATE users SET role = $2 WHERE id = $1", person.id, role)
    allowed = FOR_OPERATORS if role == "operator" else set()
    admin = [route for route in routes if route[1].startswith("/api/admin/") and route not in allowed]
    assert len(admin) > 10
    answers = await reached(person.http, admin)
    assert {route: said for route, said in answers.items() if said != (403, "forbidden")} == {}
    # Of what is not there, or not said rightly; but not of who asks.
    for (method, path), (status, code) in (await reached(person.http, sorted(allowed))).items():
        assert status in (200, 404, 422), (method, path, code)


async def test_changes_by_get_and_from_other_sites_are_refused(
    gateway: Gateway, person: Person, routes: Routes
) -> None:
    """With the cookie, as a browser adds it to whatever any page sends."""
    cookie = {"cookie": f"__Host-headrace_access={person.token}"}
    foreign = {**cookie, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    changing = [route for route in routes if route[0] != "GET" and not route[1].startswith("/v1/")]
    async with aiohttp.ClientSession(gateway.url, headers=foreign) as http:
        answers = await reached(http, changing)
    assert {route: said for route, said in answers.items() if said != (403, "csrf")} == {}
    async with aiohttp.ClientSession(gateway.url, headers=cookie) as http:
        for method, path in changing:
            if ("GET", path) not in routes:
                async with http.get(concrete(path)) as response:
                    assert response.status in (401, 404, 405), (method, path)
