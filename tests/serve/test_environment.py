"""Two var folders are two nodes, and a node's processes are found by their mark alone."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from serve.environment import MARKER, NodeError, make_private, node_environment, plan_node
from serve.processes import end_processes, marked_processes

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, 1); print('up', flush=True); time.sleep(60)"


def settings(**values: Any) -> Settings:
    return Settings.model_validate({"internal_token": "t" * 40, **values})


def started(marker: str, program: str = SLEEP) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, MARKER: marker}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.stdout.close()
    return process


def test_each_var_folder_has_a_node_of_its_own(tmp_path: Path) -> None:
    first, second = (plan_node(settings(var_dir=tmp_path / name)) for name in ("a", "b"))
    assert first.folder != second.folder
    assert plan_node(settings(var_dir=tmp_path / "x" / ".." / "a")) == first


def test_the_longest_socket_path_fits(tmp_path: Path) -> None:
    plan = plan_node(settings(var_dir=tmp_path))
    haproxy = plan.folder / "h" / ("0" * 56) / "admin.sock.1234567.tmp"
    ray = plan.folder / "r" / "session_2026-01-01_00-00-00_000000_1234567" / "sockets" / "plasma_store"
    assert max(len(str(haproxy)), len(str(ray))) <= 107


def test_an_address_beyond_this_machine_is_refused() -> None:
    with pytest.raises(NodeError, match="127"):
        plan_node(settings(serve_url="http://10.0.0.1:8000"))


def test_the_environment_keeps_ray_closed(tmp_path: Path) -> None:
    values = settings(var_dir=tmp_path, serve_url="http://127.0.0.1:8123")
    environment = node_environment(values, plan_node(values))
    assert environment["RAY_AUTH_MODE"] == "token"
    assert len(environment["RAY_AUTH_TOKEN"]) >= 32
    assert environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert environment["SERVE_URL"] == "http://127.0.0.1:8123"
    ports = [
        environment[f"RAY_SERVE_{name}_PORT"]
        for name in ("HAPROXY_STATS", "HAPROXY_METRICS", "FALLBACK_PROXY_HTTP")
    ]
    assert len(set(ports)) == 3
    again = node_environment(values, plan_node(values))
    assert again["RAY_AUTH_TOKEN"] != environment["RAY_AUTH_TOKEN"]


def test_the_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hr"
    folder.mkdir(mode=0o777)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    elsewhere = tmp_path / "link"
    elsewhere.symlink_to(folder)
    with pytest.raises(NodeError, match="not ours"):
        make_private(elsewhere)


def test_only_marked_processes_are_ended() -> None:
    ours, theirs = started("hr-test-ours"), started("hr-test-theirs")
    try:
        assert marked_processes("hr-test-ours") == [ours.pid]
        assert end_processes("hr-test-ours", grace_s=5, deadline_s=10) == []
        assert ours.wait(5) == -15
        assert theirs.poll() is None
    finally:
        theirs.kill()
        theirs.wait(5)


def test_who_does_not_listen_is_killed() -> None:
    stubborn = started("hr-test-stubborn", STUBBORN)
    assert end_processes("hr-test-stubborn", grace_s=0.3, deadline_s=10) == []
    assert stubborn.wait(5) == -9
