"""Routes are found by branches as the framework finds them one after the other."""

import itertools

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Route, Router
from starlette.testclient import TestClient

from gateway.branches import Branches


def route(path: str, *methods: str) -> Route:
    async def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{path} {sorted(methods)} {sorted(request.path_params.items())}")

    return Route(path, endpoint, methods=list(methods))


ROUTES = [
    route("/health", "GET"),
    route("/api/things", "GET"),
    route("/api/things", "POST"),
    route("/api/things/special", "GET"),
    route("/api/things/{id}", "GET", "DELETE"),
    route("/api/things/{id}/parts/{part:int}", "PATCH"),
    route("/api/others/{rest:path}", "GET"),
    route("/v1/things", "GET"),
]
PATHS = [
    "/",
    "/health",
    "/health/",
    "/healthy",
    "/api",
    "/api/",
    "/api/things",
    "/api/things/",
    "/api/thing",
    "/api/thingsx",
    "/api//things",
    "/api/things/special",
    "/api/things/a%2Fb",
    "/api/things/7",
    "/api/things/7/parts/3",
    "/api/things/7/parts/x",
    "/api/others/a/b/c",
    "/v1/things",
    "/V1/things",
]
METHODS = ["GET", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"]


@pytest.mark.parametrize("path", PATHS)
def test_every_request_gets_the_same_answer(path: str) -> None:
    plain = TestClient(Router(ROUTES, redirect_slashes=False))
    branched = TestClient(Router([Branches(ROUTES)], redirect_slashes=False))
    for method in METHODS:
        expected, found = plain.request(method, path), branched.request(method, path)
        assert (found.status_code, found.text) == (expected.status_code, expected.text), method
        assert found.headers.get("allow") == expected.headers.get("allow")


def test_only_the_routes_of_one_branch_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = Route.matches

    def matches(self: Route, scope: dict[str, object]) -> tuple[Match, object]:
        asked.append(self.path)
        return original(self, scope)

    monkeypatch.setattr(Route, "matches", matches)
    TestClient(Router([Branches(ROUTES)])).get("/v1/things")
    assert asked == ["/v1/things"]


@pytest.mark.parametrize("path", ["/{anything}", "/api/{thing}", "/{a}/{b}/c"])
def test_a_route_that_belongs_to_no_branch_is_refused_when_the_house_is_built(path: str) -> None:
    with pytest.raises(ValueError, match="no parameters"):
        Branches([*itertools.islice(ROUTES, 2), route(path, "GET")])
