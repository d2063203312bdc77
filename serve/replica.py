"""What every kind of replica shares: its name, its guard, and where it listens."""

import os
from collections.abc import Callable
from typing import Any

import ray.serve._private.replica as serve_replica
import ray.util
from ray import serve as ray_serve

from serve.guard import ENGINE_ROUTES, Application, Guard


def guarded(app: Application, routes: frozenset[tuple[str, str]] | None = ENGINE_ROUTES) -> Guard:
    """The application behind the guard, under the name of the replica that this process is."""
    context = ray_serve.get_replica_context()
    name = f"{context.app_name}#{context.replica_tag}"
    # Serve's own server repeats the request's id already.
    return Guard(app, os.environ["HEADRACE_INTERNAL_TOKEN"], name, routes, echo_request_id=False)


def _on_this_node(add_port: Callable[[Any, str], int]) -> Callable[[Any, str], int]:
    def bound(server: Any, address: str) -> int:
        return add_port(server, address.replace("[::]", ray.util.get_node_ip_address()))

    return bound


# Serve binds the port over which deployments call each other to every interface, whatever the node's address.
# It asks for the token, but nobody beyond this node has to be able to ask. There is no setting for it.
serve_replica.add_port_to_grpc_server = _on_this_node(serve_replica.add_port_to_grpc_server)
