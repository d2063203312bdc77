"""A machine that joins a cluster says what is missing, and becomes Ray with the head's environment."""

import os
from typing import Any

import pytest

from serve import worker_node
from serve.environment import CLUSTER_PORT


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "t" * 64)
    monkeypatch.setenv("HEADRACE_INTERNAL_TOKEN", "i" * 64)
    monkeypatch.setenv("HEADRACE_RAY_NODE_IP", "10.0.0.7")
    monkeypatch.setenv("RAY_ADDRESS", "somebody:6379")
    return monkeypatch


@pytest.mark.parametrize("name", worker_node.NEEDED)
def test_what_is_missing_is_named(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    complete.delenv(name)
    assert worker_node.main(["10.0.0.1"]) == 1
    assert name in capsys.readouterr().err


def test_loopback_is_no_address_in_a_cluster(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    complete.setenv("HEADRACE_RAY_NODE_IP", "127.0.0.1")
    assert worker_node.main(["10.0.0.1"]) == 1
    assert "not loopback" in capsys.readouterr().err


def test_it_becomes_ray_with_what_replicas_need(complete: pytest.MonkeyPatch) -> None:
    became: list[Any] = []

    def execve(*arguments: Any) -> None:
        became.extend(arguments)
        raise SystemExit(0)

    complete.setattr(os, "execve", execve)
    with pytest.raises(SystemExit):
        worker_node.main(["10.0.0.1"])
    _, argv, environment = became
    assert argv[1:4] == ["start", f"--address=10.0.0.1:{CLUSTER_PORT}", "--node-ip-address=10.0.0.7"]
    assert environment["RAY_AUTH_TOKEN"] == "t" * 64
    assert environment["HEADRACE_INTERNAL_TOKEN"] == "i" * 64
    assert environment["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    # Other machines' processes are reached at their own addresses.
    assert environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "1"
    assert environment["VLLM_HOST_IP"] == "10.0.0.7"
    assert "GLOO_SOCKET_IFNAME" not in environment
    assert "RAY_ADDRESS" not in environment
