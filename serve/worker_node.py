"""Join this machine to the cluster of a Headrace elsewhere: `python -m serve.worker_node HEAD_IP [options]`.

It becomes `ray start`, with those options, and goes on until it is told to end. The head's token for Ray and
the internal token come in the environment (RAY_AUTH_TOKEN, HEADRACE_INTERNAL_TOKEN). The var folder is that
of the head, by a shared file system at the same path, because weights are prepared once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from core.settings import Settings
from serve.environment import CLUSTER_PORT, FOREIGN, LOOPBACK, NodeError, node_environment, plan_node

NEEDED = ("RAY_AUTH_TOKEN", "HEADRACE_INTERNAL_TOKEN", "HEADRACE_RAY_NODE_IP")


def command(head: str, ip: str) -> list[str]:
    """What joins; resources are found by Ray, said by its autoscaler, or by more options."""
    return [
        str(Path(sys.executable).with_name("ray")),
        "start",
        f"--address={head}:{CLUSTER_PORT}",
        f"--node-ip-address={ip}",
        "--disable-usage-stats",
        "--block",
    ]


def main(arguments: list[str] | None = None) -> int:
    """Join; 1 with one sentence on stderr where that is impossible."""
    parser = argparse.ArgumentParser(prog="python -m serve.worker_node", description=__doc__)
    parser.add_argument("head", metavar="HEAD_IP")
    options, more = parser.parse_known_args(arguments)
    try:
        _join(options.head, more)
    except NodeError as error:
        sys.stderr.write(f"{error}\n")
    return 1


def _join(head: str, more: Sequence[str]) -> NoReturn:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise NodeError(f"Set {', '.join(missing)}: the head's tokens, and this machine's own address.")
    settings = Settings()
    if settings.ray_node_ip == LOOPBACK:
        raise NodeError("HEADRACE_RAY_NODE_IP is this machine's address in the cluster, not loopback.")
    environment = {**os.environ, **node_environment(settings, plan_node(settings))}
    for name in FOREIGN:
        environment.pop(name, None)
    argv = [*command(head, settings.ray_node_ip), *more]
    os.execve(argv[0], argv, environment)  # noqa: S606 - it becomes Ray


if __name__ == "__main__":
    sys.exit(main())
