"""A whole Headrace that `./headrace up` started.

`./headrace test` starts one and names it in HEADRACE_TEST_URL and HEADRACE_VAR_DIR. Without them, a test run
by hand starts one of its own with the simulated engine.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from cluster.local.directory import VarDirectory

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "an otter writes four letters"
COMMAND_SECONDS = 240


@dataclass(frozen=True)
class Stack:
    """A running instance."""

    url: str
    var_dir: Path

    @property
    def var(self) -> VarDirectory:
        """Where its files are."""
        return VarDirectory(self.var_dir)

    @property
    def environment(self) -> dict[str, str]:
        """What makes `./headrace` speak of this instance."""
        return {**os.environ, "HEADRACE_VAR_DIR": str(self.var_dir)}

    @property
    def key(self) -> str:
        """The local API key that `up` made."""
        return (self.var_dir / "secrets" / "local-api-key").read_text().strip()

    def headrace(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command line against this instance."""
        done = subprocess.run(
            [str(ROOT / "headrace"), *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def services(self) -> dict[str, dict[str, Any]]:
        """`status --json`, by service."""
        report = json.loads(self.headrace("status", "--json", check=False).stdout)
        return {entry["service"]: entry for entry in report["services"]}

    def processes(self) -> list[psutil.Process]:
        """Every process that this instance's `up` started, and all that they started."""
        found: dict[int, psutil.Process] = {}
        supervisor = json.loads((self.var_dir / "run" / "state.json").read_text())["supervisor_pid"]
        for process in [psutil.Process(supervisor), *psutil.Process(supervisor).children(recursive=True)]:
            found[process.pid] = process
        return list(found.values())

    def process(self, title: str) -> psutil.Process:
        """The process whose command line holds `title`; others may end while they are looked at."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if title in " ".join(process.cmdline()):
                    return process
        pytest.fail(f"there is no process {title}")


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Fail with `what` when the condition does not come true within the bound."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # What is being waited for may be away altogether.
        with contextlib.suppress(httpx.HTTPError, json.JSONDecodeError, KeyError, psutil.NoSuchProcess):
            if condition():
                return
        time.sleep(0.25)
    pytest.fail(f"within {seconds:.0f} s it did not come true that {what}")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The instance of this run."""
    url = os.environ.get("HEADRACE_TEST_URL")
    if url:
        yield Stack(url.rstrip("/"), Path(os.environ["HEADRACE_VAR_DIR"]))
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mine = Stack(f"http://localhost:{port}", Path(tempfile.mkdtemp(prefix="headrace-stack-")))
    try:
        mine.headrace("up", "--detach", "--engine", "simulated", "--port", str(port))
        yield mine
    finally:
        mine.headrace("down", check=False)
        shutil.rmtree(mine.var_dir, ignore_errors=True)


@pytest.fixture
def person(stack: Stack) -> Iterator[httpx.Client]:
    """A new account, signed in by bearer token."""
    with httpx.Client(base_url=stack.url, timeout=60) as client:
        sign_in(client, f"{secrets.token_hex(8)}@example.org", register=True)
        yield client


def sign_in(client: httpx.Client, email: str, *, register: bool = False) -> None:
    """Give the client an access token."""
    if register:
        answer = client.post("/api/auth/register", json={"email": email, "password": PASSWORD, "name": "Ada"})
        assert answer.status_code == 202, answer.text
    answer = client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def ask(client: httpx.Client, model: str, content: str, conversation: str | None = None) -> tuple[str, str]:
    """Ask in a new conversation (or this one); returns its id and the whole answer, followed to its end."""
    if conversation is None:
        answer = client.post("/api/conversations", json={})
        assert answer.status_code == 201, answer.text
        conversation = str(answer.json()["id"])
    text = ""
    ends = []
    with client.stream(
        "POST",
        f"/api/conversations/{conversation}/turns",
        json={"content": content, "model": model, "temperature": 0, "max_tokens": 64},
        headers={"Accept": "text/event-stream"},
    ) as stream:
        assert stream.status_code == 200, stream.read()
        kind = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind == "delta":
                text += json.loads(line.removeprefix("data: "))["text"]
            elif line.startswith("data: ") and kind.startswith("turn.") and kind != "turn.started":
                ends.append(kind)
    assert ends == ["turn.completed"]
    return conversation, text
