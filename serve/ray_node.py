"""Ray's own processes on this machine, without those that nobody here uses.

`ray start` and `ray.init` also bring up an autoscaler's monitor, a dashboard server and a log copier: three
Python processes, five seconds of a small machine, and ports on every interface. The monitor is there only
where it has a cluster to look after.
"""

from pathlib import Path
from typing import Any

import ray._private.node
import yaml
from ray._private.parameter import RayParams

from serve.environment import CLUSTER_PORT, FAKE_PROVIDER, LOOPBACK


class LeanNode(ray._private.node.Node):  # type: ignore[misc]
    """A head node: GCS, raylet and the raylet's agents, all on one address."""

    def start_api_server(self, *, include_dashboard: Any, raise_on_failure: bool) -> None:
        """No dashboard, so no address of one either."""
        self._webui_url = ""

    def start_monitor(self) -> None:
        """Ray's fake nodes are told where the head is; real ones find it by their own configuration."""
        file = Path(self._ray_params.autoscaling_config)
        cluster = yaml.safe_load(file.read_text())
        if cluster["provider"]["type"] == FAKE_PROVIDER:
            cluster["provider"]["gcs_address"] = self.gcs_address
            file.write_text(yaml.safe_dump(cluster))
        super().start_monitor()


def start_ray_node(
    *,
    folder: str,
    cpus: int,
    object_store_bytes: int,
    ip: str = LOOPBACK,
    autoscaling_config: Path | None = None,
) -> LeanNode:
    """Start the processes; they end with this one. Raises what Ray raises.

    Args:
        ip: this machine's address; beyond loopback, nodes of other machines can join.
        autoscaling_config: a copy of the cluster's configuration that may be written to; None: this machine
            is all there is.
    """
    return LeanNode(
        RayParams(
            node_ip_address=ip,
            # 0: any. Nodes elsewhere have to know it.
            gcs_server_port=0 if ip == LOOPBACK else CLUSTER_PORT,
            num_cpus=cpus,
            include_dashboard=False,
            include_log_monitor=False,
            no_monitor=autoscaling_config is None,
            autoscaling_config=str(autoscaling_config) if autoscaling_config is not None else None,
            # 0: the first free one. Ray's default is one number for every node of a machine.
            dashboard_agent_listen_port=0,
            temp_dir=folder,
            object_store_memory=object_store_bytes,
        ),
        head=True,
        shutdown_at_exit=False,
        spawn_reaper=True,
    )
