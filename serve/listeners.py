"""Ray's own gRPC ports: which a node has, and whether they let anyone in without the token."""

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from serve.processes import marked_processes

CALL_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class RayListener:
    """One listening gRPC port of Ray: whose it is, and methods of which it serves at least one."""

    pid: int
    process: str
    address: str
    port: int
    methods: tuple[str, ...]


_WORKER = ("/ray.rpc.CoreWorkerService/GetCoreWorkerStats", "/ray.serve.ASGIService/HandleRequest")
# By the start of the process's name, as Ray titles it.
_METHODS = (
    ("gcs_server", ("/ray.rpc.NodeInfoGcsService/GetAllNodeInfo",)),
    ("raylet", ("/ray.rpc.NodeManagerService/GetNodeStats", "/ray.rpc.ObjectManagerService/Pull")),
    ("ray::DashboardAgent", ("/ray.rpc.ReporterService/HealthCheck",)),
    # Every actor, and the node's own process.
    ("ray::", _WORKER),
    ("python", _WORKER),
)


def ray_grpc_listeners(pids: Sequence[int]) -> list[RayListener]:
    """The gRPC listeners among these processes. Ray speaks gRPC on IPv6 sockets, HTTP on IPv4 ones."""
    found = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            name = (process.cmdline() or [process.name()])[0].rsplit("/", 1)[-1]
            connections = process.net_connections(kind="tcp6")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        methods = next((methods for start, methods in _METHODS if name.startswith(start)), ())
        found += [
            RayListener(pid, name, here.laddr.ip.removeprefix("::ffff:"), here.laddr.port, methods)
            for here in connections
            if methods and here.status == psutil.CONN_LISTEN
        ]
    return found


def node_listeners(marker: str) -> list[RayListener]:
    """The gRPC listeners of one node's processes, except the node's own."""
    return ray_grpc_listeners(marked_processes(marker))


def refused_without_token(listener: RayListener) -> bool:
    """Whether a call without the token is turned away wherever the method is, and never done."""
    import grpc

    answers = set()
    with grpc.insecure_channel(f"127.0.0.1:{listener.port}") as channel:
        for method in listener.methods:
            try:
                channel.unary_unary(method)(b"", timeout=CALL_TIMEOUT_S)
                answers.add("OK")
            except grpc.RpcError as error:
                answers.add(error.code().name)
    return "UNAUTHENTICATED" in answers and answers <= {"UNAUTHENTICATED", "UNIMPLEMENTED"}
