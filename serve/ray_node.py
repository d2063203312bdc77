"""Ray's own processes on this machine, without those that nobody here uses.

`ray start` and `ray.init` also bring up an autoscaler's monitor, a dashboard server and a log copier: three
Python processes, five seconds of a small machine, and ports on every interface.
"""

from typing import Any

import ray._private.node
from ray._private.parameter import RayParams


class LeanNode(ray._private.node.Node):  # type: ignore[misc]
    """A head node: GCS, raylet and the raylet's agents, all on 127.0.0.1."""

    def start_api_server(self, *, include_dashboard: Any, raise_on_failure: bool) -> None:
        """No dashboard, so no address of one either."""
        self._webui_url = ""


def start_ray_node(*, folder: str, cpus: int, object_store_bytes: int) -> LeanNode:
    """Start the processes; they end with this one. Raises what Ray raises."""
    return LeanNode(
        RayParams(
            node_ip_address="127.0.0.1",
            num_cpus=cpus,
            include_dashboard=False,
            include_log_monitor=False,
            no_monitor=True,
            # 0: the first free one. Ray's default is one number for every node of a machine.
            dashboard_agent_listen_port=0,
            temp_dir=folder,
            object_store_memory=object_store_bytes,
        ),
        head=True,
        shutdown_at_exit=False,
        spawn_reaper=True,
    )
