"""What every kind of replica shares: its name, its guard, and where it listens."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import ray.serve._private.replica as serve_replica
import ray.util
from ray import serve as ray_serve

from models.spec import ModelSpec
from serve.backlog import BACKLOG
from serve.guard import ENGINE_ROUTES, Application, Guard
from serve.meter import Meter
from serve.reporter import Reporter
from serve.seated import Seated
from serve.seats import Seats

CONTROL = "control"

# The loop keeps no reference to its tasks.
_reporting: set[asyncio.Task[None]] = set()
_reporters: list[Reporter] = []
_meters: list[Meter] = []


class CountedReplica:
    """What every class of engine replicas inherits: it tells its backlog, and what it counted at its end."""

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Serve asks this where the number of replicas is not fixed; see backlog.py."""
        return {BACKLOG: sum(meter.backlog for meter in _meters)}

    async def __del__(self) -> None:
        """Serve awaits this when the replica has finished its answers, before it ends the process."""
        for reporter in _reporters:
            await reporter.farewell()


def guarded(
    app: Application,
    routes: frozenset[tuple[str, str]] | None = ENGINE_ROUTES,
    *,
    spec: ModelSpec | None = None,
) -> Guard:
    """The application behind the guard, under the name of the replica that this process is.

    `spec`: of the engine whose work is counted and reported to control from now on, on the running loop.
    """
    context = ray_serve.get_replica_context()
    name = f"{context.app_name}#{context.replica_tag}"
    # Serve's own server repeats the request's id already.
    meter = None
    if spec is not None:
        meter = Meter(name, spec.name, spec.revision)
        if spec.seats is not None:
            meter.seats = Seats(spec.seats, spec.seats * spec.context_window)
            app = Seated(app, meter.seats)
        _meters.append(meter)
        reporter = Reporter(meter, _tell_control)
        _reporters.append(reporter)
        task = asyncio.get_running_loop().create_task(reporter.run(), name="usage")
        _reporting.add(task)
        task.add_done_callback(_reporting.discard)
    return Guard(app, os.environ["HEADRACE_INTERNAL_TOKEN"], name, routes, echo_request_id=False, meter=meter)


async def _tell_control(report: bytes) -> str:
    epoch: str = await ray_serve.get_app_handle(CONTROL).report.remote(report)
    return epoch


def _on_this_node(add_port: Callable[[Any, str], int]) -> Callable[[Any, str], int]:
    def bound(server: Any, address: str) -> int:
        return add_port(server, address.replace("[::]", ray.util.get_node_ip_address()))

    return bound


# Serve binds the port over which deployments call each other to every interface, whatever the node's address.
# It asks for the token, but nobody beyond this node has to be able to ask. There is no setting for it.
serve_replica.add_port_to_grpc_server = _on_this_node(serve_replica.add_port_to_grpc_server)
