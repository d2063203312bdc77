"""Loopback ports: chosen free, remembered, and a sentence for one that somebody else holds."""

import contextlib
import json
import socket
from collections.abc import Iterable
from pathlib import Path

import psutil

from cluster.local.directory import write_atomically
from cluster.local.errors import ClusterError

LOOPBACK = "127.0.0.1"
BACKLOG = 1024


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT can be taken, one with a listener cannot.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """A socket that listens there, to be inherited by those who accept. Raises ClusterError."""
    require_free(port, host)
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise ClusterError(
            f"Port {port} cannot be listened on ({error.strerror}); choose another one."
        ) from error


def free_port(host: str = LOOPBACK) -> int:
    """A port that the system says is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def remembered(names: Iterable[str], path: Path) -> dict[str, int]:
    """The ports of the running instance. Raises ClusterError where they are not known."""
    try:
        ports: dict[str, int] = json.loads(path.read_text())
        return {name: ports[name] for name in names}
    except (OSError, ValueError, KeyError) as error:
        raise ClusterError("The ports of this instance are not known; is it up? ./headrace status") from error


def choose(names: Iterable[str], path: Path) -> dict[str, int]:
    """A free port for each name: the one it had last time where that is still free."""
    earlier: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        earlier = json.loads(path.read_text())
    chosen: dict[str, int] = {}
    for name in names:
        port = earlier.get(name, 0)
        if not (1024 <= port <= 65535) or port in chosen.values() or not is_free(port):
            port = _unused(set(chosen.values()))
        chosen[name] = port
    write_atomically(path, json.dumps(chosen))
    return chosen


def _unused(taken: set[int]) -> int:
    for _ in range(100):
        port = free_port()
        if port not in taken:
            return port
    raise ClusterError("No free port was found on 127.0.0.1; close some programs and try again.")


def holder(port: int) -> str | None:
    """Who listens on `port`, as far as we may see: "nginx (process 123)"."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr[1] == port
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None


def require_free(port: int, host: str = LOOPBACK) -> None:
    """Raises ClusterError when the gateway cannot have this port."""
    if not is_free(port, host):
        by = holder(port)
        raise ClusterError(
            f"Port {port} is in use{f' by {by}' if by else ''}; "
            f"stop that program, or choose another port: ./headrace up --port {port + 1}"
        )
