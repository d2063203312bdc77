"""What endpoints depend on is found without leaving the event loop."""

from collections.abc import Iterator
from inspect import iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute

from gateway.branches import Branches
from tests.gateway.client import Gateway


def below(dependant: Dependant) -> Iterator[Any]:
    """Everything that is called for it, and for what it depends on."""
    yield dependant.call
    for other in dependant.dependencies:
        yield from below(other)


async def test_no_endpoint_and_no_dependency_is_sent_to_another_thread(gateway: Gateway) -> None:
    app: Any = gateway.server.config.app
    while not hasattr(app, "routes"):
        app = app._app
    (branches,) = app.routes
    assert isinstance(branches, Branches)
    routes = [route for route in branches.routes if isinstance(route, APIRoute | APIWebSocketRoute)]
    calls = {call for route in routes for call in below(route.dependant)}
    assert len(routes) > 80
    assert len(calls) > len(routes)
    # A plain function is run in a thread: it costs more than most of what they do.
    assert [call for call in calls if not iscoroutinefunction(call)] == []
