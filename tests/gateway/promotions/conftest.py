"""Tables of their own, as for the routing."""

from tests.gateway.routing.conftest import control, postgres, reconciler, revisions

__all__ = ["control", "postgres", "reconciler", "revisions"]
