"""A whole instance from `up` to its end: said twice, killed from above, started again, interrupted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from cluster.local import leftovers, ports
from cluster.local.directory import VarDirectory
from tests.stack.conftest import ask, sign_in

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 200
END_SECONDS = 30


class Instance:
    """One of our own, beside the one that the other tests share."""

    def __init__(self, folder: Path) -> None:
        self.var = VarDirectory(folder)
        self.port = ports.free_port()
        self.command = [sys.executable, "-m", "cluster.cli"]
        self.environment = {**os.environ, "HEADRACE_VAR_DIR": str(folder)}

    def headrace(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`up` with the simulated engine."""
        return self.headrace("up", "--engine", "simulated", "--port", str(self.port), *arguments)

    def status(self) -> dict[str, Any]:
        """`status --json`."""
        report: dict[str, Any] = json.loads(self.headrace("status", "--json").stdout)
        return report


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    folder = Path(tempfile.mkdtemp(prefix="headrace-life-"))
    mine = Instance(folder)
    try:
        yield mine
    finally:
        mine.headrace("down")
        left = leftovers.find(mine.var)
        shutil.rmtree(folder)
        assert left == []


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Fail with `what` when it does not come true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.2)


def test_up_returns_when_all_is_ready_and_says_so_when_asked_again(instance: Instance) -> None:
    first = instance.up("--detach")
    assert first.returncode == 0, first.stdout + first.stderr
    report = instance.status()
    assert report["running"] is True
    assert report["models"] == {"simulated": "ready"}
    assert {row["service"] for row in report["services"]} == {
        *("postgres", "valkey", "broker", "ray", "gateway-1", "gateway-2", "worker")
    }
    assert {row["state"] for row in report["services"]} == {"ready"}
    assert all(row["memory"] > 0 and row["pid"] and row["port"] for row in report["services"])

    again = instance.up("--detach")
    assert again.returncode == 0
    assert "up already" in again.stdout
    assert instance.status()["supervisor"] == report["supervisor"]

    other = instance.headrace("up", "--detach", "--model", "smollm2-135m")
    assert other.returncode == 1
    assert "not what you asked for" in other.stderr


def test_secrets_of_a_running_instance_are_readable_by_their_owner_alone(instance: Instance) -> None:
    files = [*instance.var.secrets.iterdir(), instance.var.run / "valkey.conf"]
    assert len(files) >= 7
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert "local-api-key" in {path.name for path in files}


def test_the_first_admin_is_made_on_the_command_line(instance: Instance) -> None:
    made = subprocess.run(
        [*instance.command, "users", "create-admin", "ada@example.org", "--password-stdin"],
        cwd=ROOT,
        env=instance.environment,
        input="an otter writes four letters\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert "administrator" in made.stdout


def _history(instance: Instance, email: str, conversation: str) -> tuple[str | None, list[dict[str, Any]]]:
    """Title and messages, with their token counts, as somebody who signs in anew sees them."""
    with httpx.Client(base_url=f"http://localhost:{instance.port}", timeout=30) as client:
        sign_in(client, email)
        seen = client.get(f"/api/conversations/{conversation}").json()
        messages = client.get(f"/api/conversations/{conversation}/messages").json()["items"]
        return seen["title"], messages


def test_after_a_kill_of_the_supervisor_the_next_up_cleans_up_and_nothing_said_is_lost(
    instance: Instance,
) -> None:
    email = "ada@example.org"
    with httpx.Client(base_url=f"http://localhost:{instance.port}", timeout=30) as client:
        sign_in(client, email, register=True)
        conversation, answer = ask(client, "simulated", "What is a headrace?")
    wait_until(lambda: _history(instance, email, conversation)[0] is not None, "it has a title", 30)
    before = _history(instance, email, conversation)
    assert before[1][-1]["content"] == answer
    assert before[1][-1]["completion_tokens"] > 0
    left = _processes(instance)
    _supervisor(instance).kill()
    wait_until(lambda: instance.status()["running"] is False, "the supervisor is gone", 10)
    assert instance.status()["leftovers"] > 0

    process = subprocess.Popen(
        [*instance.command, "up", "--engine", "simulated", "--port", str(instance.port)],
        cwd=ROOT,
        env=instance.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        printed = ""
        # In the foreground it says when it is ready, and stays.
        for line in process.stdout:
            printed += line
            if "Ctrl-C ends it" in line:
                break
        assert "Headrace is up" in printed, printed
        assert [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
        ours = _processes(instance)
        assert len(ours) > 10
        assert _history(instance, email, conversation) == before

        process.send_signal(signal.SIGINT)
        assert process.wait(END_SECONDS) == 130
        assert [p for p in ours if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
        assert leftovers.find(instance.var) == []
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def _supervisor(instance: Instance) -> psutil.Process:
    pid = instance.status()["supervisor"]
    # Without a number psutil would mean ourselves.
    assert isinstance(pid, int), "it is not up"
    return psutil.Process(pid)


def _processes(instance: Instance) -> list[psutil.Process]:
    """The supervisor and everything below it."""
    supervisor = _supervisor(instance)
    return [supervisor, *supervisor.children(recursive=True)]
