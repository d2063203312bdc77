"""Nothing of ours listens beyond loopback."""

import ipaddress
import socket

import psutil
import pytest

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
    seen = 0
    beyond = []
    for process in stack.processes():
        try:
            for address, port in _listening(process):
                seen += 1
                if not _is_loopback(address):
                    beyond.append(f"{address}:{port} of {process.pid} {' '.join(process.cmdline())[:120]}")
        except psutil.NoSuchProcess:
            continue
    assert seen >= 6, "the gateway, PostgreSQL, Valkey, the broker, HAProxy and Ray listen at least"
    assert beyond == []
