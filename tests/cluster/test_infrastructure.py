"""The embedded servers: usable, on loopback only, with passwords, and back after a kill."""

import os
import signal
import socket
import time
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from cluster.local import leftovers
from cluster.local.infrastructure import SERVERS, EmbeddedInfrastructure
from cluster.local.processes import tree
from cluster.local.service import State
from core.broker import ensure_topics
from core.settings import Settings


def listening(process: psutil.Process) -> list[str]:
    """The addresses on which a process and its children wait for connections."""
    return [
        connection.laddr[0]
        for member in tree(process)
        for connection in member.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
    ]


async def test_the_database_has_our_schema(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value(), timeout=5)
    try:
        tables = {r["tablename"] for r in await connection.fetch("SELECT tablename FROM pg_tables")}
        durable = await connection.fetchval("SELECT current_setting('fsync')")
    finally:
        await connection.close()
    assert {"conversations", "messages", "turns", "outbox"} <= tables
    assert durable == "on"


async def test_the_database_refuses_a_wrong_password(postgres_url: str) -> None:
    address = postgres_url.replace("postgresql://headrace:", "postgresql://headrace:x")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(address, timeout=5)


async def test_our_role_in_the_database_is_no_superuser(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url, timeout=5)
    try:
        assert (
            await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        )
    finally:
        await connection.close()


def test_valkey_refuses_a_client_without_the_password(redis_url: str) -> None:
    host = redis_url.rpartition("@")[2]
    client = redis.Redis.from_url(f"redis://{host}", socket_timeout=5)
    with client, pytest.raises(redis.AuthenticationError):
        client.get("anything")


async def test_the_broker_takes_topics(kafka_servers: str) -> None:
    await ensure_topics(kafka_servers, {"headrace.test-infrastructure": 2})
    await ensure_topics(kafka_servers, {"headrace.test-infrastructure": 2})


def test_every_server_listens_on_loopback_only(infrastructure: EmbeddedInfrastructure) -> None:
    for name in SERVERS:
        addresses = listening(psutil.Process(infrastructure.pid(name)))
        assert addresses, name
        assert set(addresses) <= {"127.0.0.1", "::1"}, name


def test_postgres_does_not_run_as_root(infrastructure: EmbeddedInfrastructure) -> None:
    process = psutil.Process(infrastructure.pid("postgres"))
    assert process.uids().real != 0 or _in_namespace(process.pid)


def _in_namespace(pid: int) -> bool:
    return Path(f"/proc/{pid}/uid_map").read_text().split() != Path("/proc/self/uid_map").read_text().split()


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_comes_back(name: str, tmp_path: Path) -> None:
    with EmbeddedInfrastructure(tmp_path / "var", servers=[name]) as servers:
        first = servers.pid(name)
        os.kill(first, signal.SIGKILL)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            status = servers.status(name)
            if status.state is State.READY and status.pid != first:
                break
            time.sleep(0.05)
        status = servers.status(name)
        assert status.state is State.READY
        assert status.restarts >= 1
        assert status.last_exit == "killed by signal 9"
    assert leftovers.find(servers.var) == []


def test_data_and_passwords_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    servers = EmbeddedInfrastructure(tmp_path / "var", servers=["valkey"])
    with servers, redis.Redis.from_url(servers.redis_url, socket_timeout=5) as client:
        client.set("kept", "yes")
    with servers, redis.Redis.from_url(servers.redis_url, socket_timeout=5) as client:
        assert client.get("kept") == b"yes"
