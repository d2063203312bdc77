"""One real node, with Ray, Serve, HAProxy and control, from its start to its end."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from core.settings import Settings
from models.catalogue import Catalogue
from serve.environment import plan_node
from serve.listeners import node_listeners, ray_grpc_listeners, refused_without_token
from serve.processes import end_processes, marked_processes

ROOT = Path(__file__).parents[2]
TOKEN = secrets.token_hex(32)
START_S = 180
pytestmark = pytest.mark.stack


@dataclass
class RunningNode:
    """The supervised process and what belongs to it."""

    process: subprocess.Popen[bytes]
    url: str
    marker: str

    def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=30)
        try:
            return answer.status_code, answer.json()
        except json.JSONDecodeError:
            return answer.status_code, answer.text

    def state(self, model: str, revision: str) -> dict[str, Any] | None:
        apps = self.ask("GET", "/control/apps")[1]["apps"]
        return next((app for app in apps if (app["model"], app["revision"]) == (model, revision)), None)

    def deploy(self, **changes: Any) -> tuple[int, Any]:
        spec = {**Catalogue.load().get("simulated").model_dump(mode="json"), **changes}
        return self.ask("PUT", f"/control/apps/{spec['name']}/{spec['revision']}", spec)

    def say(self, revision: str, **body: Any) -> tuple[int, Any]:
        asked = {"model": "simulated", "messages": [{"role": "user", "content": "Hello"}], **body}
        return self.ask("POST", f"/m/simulated/{revision}/v1/chat/completions", asked)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds:.0f} s"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    var_dir = tmp_path_factory.mktemp("var")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    settings = Settings.model_validate({"internal_token": TOKEN, "var_dir": var_dir, "serve_url": url})
    environment = {
        **os.environ,
        "HEADRACE_INTERNAL_TOKEN": TOKEN,
        "HEADRACE_VAR_DIR": str(var_dir),
        "SERVE_URL": url,
    }
    marker = plan_node(settings).marker
    with (var_dir / "node.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "serve.node"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    running = RunningNode(process, url, marker)
    assert process.stdout is not None
    try:
        ready = next((line for line in process.stdout if b'"event": "ready"' in line), b"")
        assert ready, (var_dir / "node.log").read_text()[-3000:]
        assert running.deploy()[0] == 202
        wait_until(lambda: (running.state("simulated", "r1") or {}).get("state") == "ready", "ready", START_S)
        yield running
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
        assert end_processes(marker, grace_s=0, deadline_s=10) == []


def test_a_revision_answers_through_haproxy(node: RunningNode) -> None:
    status, body = node.say("r1", max_tokens=5)
    assert (status, body["usage"]["completion_tokens"]) == (200, 5)
    assert node.say("r9")[0] == 404


def _connections(pid: int) -> list[Any]:
    """Of a process that may end while it is looked at."""
    try:
        return list(psutil.Process(pid).net_connections(kind="inet"))
    except psutil.NoSuchProcess:
        return []


def test_every_port_is_on_loopback(node: RunningNode) -> None:
    beyond = [
        (pid, connection.laddr)
        for pid in [node.process.pid, *marked_processes(node.marker)]
        for connection in _connections(pid)
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr.ip.removeprefix("::ffff:") != "127.0.0.1"
    ]
    assert beyond == []


def test_every_grpc_port_of_ray_refuses_a_call_without_the_token(node: RunningNode) -> None:
    listeners = [*node_listeners(node.marker), *ray_grpc_listeners([node.process.pid])]
    names = {listener.process.split(":")[0] for listener in listeners}
    assert {"gcs_server", "raylet", "ray"} <= names
    assert [listener for listener in listeners if not refused_without_token(listener)] == []


@pytest.mark.parametrize("path", ["/control/apps", "/control/health", "/m/simulated/r1/health"])
def test_every_application_asks_for_the_internal_token(node: RunningNode, path: str) -> None:
    assert node.ask("GET", path, token="wrong")[0] == 401


def test_the_same_again_changes_nothing_and_other_settings_are_a_conflict(node: RunningNode) -> None:
    replica = node.state("simulated", "r1")
    assert node.deploy() == (202, {"state": "ready"})
    status, body = node.deploy(title="Another")
    assert (status, body["error"]["field"]) == (409, "revision")
    assert node.state("simulated", "r1") == replica


def test_a_deployment_that_fails_says_why_and_touches_nothing_that_runs(node: RunningNode) -> None:
    changes = {
        "engine": "vllm",
        "simulated": None,
        "name": "broken",
        "source": {"kind": "local", "path": "/nowhere/at/all"},
    }
    assert node.deploy(**changes)[0] == 202
    wait_until(lambda: (node.state("broken", "r1") or {}).get("state") == "failed", "failed")
    broken = node.state("broken", "r1")
    assert broken is not None
    assert broken["message"] == "/nowhere/at/all is not a folder."
    assert node.say("r1", max_tokens=1)[0] == 200
    assert node.ask("DELETE", "/control/apps/broken/r1")[0] == 202
    assert node.state("broken", "r1") is None


def test_a_retired_revision_finishes_its_stream(node: RunningNode) -> None:
    assert node.deploy(revision="r2")[0] == 202
    wait_until(lambda: (node.state("simulated", "r2") or {}).get("state") == "ready", "ready")
    body = {
        "model": "simulated",
        "stream": True,
        "messages": [{"role": "user", "content": "Hello"}],
        "simulated": {"tokens": 60, "token_ms": 150},
    }
    url, headers = f"{node.url}/m/simulated/r2/v1/chat/completions", {"authorization": f"Bearer {TOKEN}"}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=60) as response:
        pieces = response.iter_raw()
        rest = next(pieces)
        assert node.ask("DELETE", "/control/apps/simulated/r2")[0] == 202
        wait_until(lambda: (node.state("simulated", "r2") or {}).get("state") == "draining", "draining")
        wait_until(lambda: node.say("r2")[0] == 404, "new requests are sent away")
        rest += b"".join(pieces)
    assert rest.count(b'"content":') == 61
    assert rest.endswith(b"data: [DONE]\n\n")
    wait_until(lambda: node.state("simulated", "r2") is None, "the revision is gone")
    assert node.say("r1", max_tokens=1)[0] == 200


def test_a_killed_replica_comes_back(node: RunningNode) -> None:
    before = {pid for pid in marked_processes(node.marker) if "ServeReplica:simulated" in _title(pid)}
    assert before
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: _answers(node), "the model answers again")
    after = {pid for pid in marked_processes(node.marker) if "ServeReplica:simulated" in _title(pid)}
    assert after
    assert not after & before


def test_a_killed_haproxy_comes_back_without_ending_the_node(node: RunningNode) -> None:
    for pid in marked_processes(node.marker):
        if "haproxy.cfg" in _title(pid):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: _answers(node), "HAProxy is back", 45)
    assert node.process.poll() is None


def test_a_second_node_of_the_same_folder_is_refused(node: RunningNode) -> None:
    environment = psutil.Process(node.process.pid).environ()
    second = subprocess.run(
        [sys.executable, "-m", "serve.node"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert b"already running" in second.stderr
    assert _answers(node)


def test_the_node_ends_with_everything_it_started(node: RunningNode) -> None:
    assert marked_processes(node.marker)
    node.process.terminate()
    assert node.process.wait(30) == 0
    assert marked_processes(node.marker) == []


def _title(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return ""


def _answers(node: RunningNode) -> bool:
    try:
        return node.say("r1", max_tokens=1)[0] == 200
    except httpx.HTTPError:
        return False
