"""Nothing of ours listens beyond loopback, and what Ray says to itself there needs its token."""

import ipaddress
import socket

import psutil
import pytest

from serve.listeners import ray_grpc_listeners, refused_without_token
from tests.stack.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.vllm]


def _listening(process: psutil.Process) -> list[tuple[str, int]]:
    return [
        (connection.laddr.ip, connection.laddr.port)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
        or (connection.type == socket.SOCK_DGRAM and not connection.raddr)
    ]


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    # Ray's sockets speak IPv6 and name IPv4 addresses in it.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def test_no_process_that_up_started_listens_beyond_loopback(stack: Stack) -> None:
    names = set()
    beyond = []
    for process in stack.processes():
        try:
            for address, port in _listening(process):
                command = " ".join(process.cmdline())
                names.add(command)
                if not _is_loopback(address):
                    beyond.append(f"{address}:{port} of {process.pid} {command[:120]}")
        except psutil.NoSuchProcess:
            continue
    # No exception is left: Ray's gRPC ports, and HAProxy's pages, are on loopback too.
    assert beyond == []
    for part in ("gateway", "postgres", "valkey-server", "tansu", "haproxy", "raylet", "gcs_server"):
        assert any(part in name for name in names), f"{part} was not looked at"


def test_every_grpc_port_of_ray_refuses_a_call_without_the_token(stack: Stack) -> None:
    listeners = ray_grpc_listeners([process.pid for process in stack.processes()])
    assert {"gcs_server", "raylet"} <= {listener.process for listener in listeners}
    open_to_all = [
        f"{listener.process} on port {listener.port}"
        for listener in listeners
        if not refused_without_token(listener)
    ]
    assert open_to_all == []
