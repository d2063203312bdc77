"""`kill -9` of anything: it comes back by itself, and `status` tells."""

import os
import signal

import httpx
import psutil
import pytest

from tests.stack.conftest import Stack, ask, wait_until

pytestmark = pytest.mark.stack

BACK_SECONDS = 120


def _ready(stack: Stack, service: str, after: int) -> bool:
    entry = stack.services()[service]
    return entry["state"] == "ready" and entry["pid"] != after


def _model_answers(stack: Stack) -> bool:
    """At every gateway: each looks for itself once a second, and a new connection may reach another one."""
    for _ in range(8):
        answer = httpx.post(
            f"{stack.url}/v1/chat/completions",
            headers={"Authorization": f"Bearer {stack.key}"},
            json={"model": "simulated", "messages": [{"role": "user", "content": "Are you there"}]},
            timeout=10,
        )
        if answer.status_code != 200:
            return False
    return True


@pytest.mark.parametrize("service", ["gateway-1", "worker", "broker", "valkey", "postgres"])
def test_a_killed_service_comes_back_and_status_tells(
    stack: Stack, person: httpx.Client, service: str
) -> None:
    before = stack.services()[service]
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: _ready(stack, service, before["pid"]), f"{service} is back", BACK_SECONDS)
    assert stack.services()[service]["restarts"] == before["restarts"] + 1
    wait_until(lambda: _model_answers(stack), "the model answers", BACK_SECONDS)
    conversation, _ = ask(person, "simulated", f"After {service}")
    wait_until(
        lambda: person.get(f"/api/conversations/{conversation}").json()["title"] is not None,
        "the new conversation gets its title",
        BACK_SECONDS,
    )


def test_a_killed_replica_comes_back(stack: Stack) -> None:
    replica = stack.process("ServeReplica:simulated")
    replica.kill()
    wait_until(lambda: not psutil.pid_exists(replica.pid), "the replica is gone", 10)
    wait_until(lambda: _model_answers(stack), "another replica answers", BACK_SECONDS)


def test_ray_killed_from_under_the_models_comes_back_with_them(stack: Stack) -> None:
    before = stack.services()["ray"]
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: _ready(stack, "ray", before["pid"]), "ray is back", BACK_SECONDS)
    wait_until(lambda: _model_answers(stack), "the same model answers again", BACK_SECONDS)
