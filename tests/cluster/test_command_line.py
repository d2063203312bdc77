"""What a person is told: one sentence for what cannot be; and the shape of what programs read."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from cluster.commands.status import look
from cluster.commands.up import describe, wanted_models
from cluster.local import start
from cluster.local.directory import VarDirectory
from cluster.local.errors import ClusterError
from cluster.local.examination import Verdict, examine
from cluster.local.plan import Plan, load_plan
from cluster.local.service import State
from cluster.local.state import write_state
from cluster.local.supervisor import Supervisor
from tests.cluster.fakes import fake

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def headrace(tmp_path: Path) -> Run:
    """The command line on an instance of its own."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cluster.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, "HEADRACE_VAR_DIR": str(tmp_path / "var"), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of a command that failed."""
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_port_in_use_is_one_sentence_and_nothing_runs(headrace: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = sentence(headrace("up", "--detach", "--engine", "simulated", "--port", str(port)))
    assert told.startswith(f"headrace: Port {port} is in use by ")
    assert "choose another port" in told
    assert json.loads(headrace("status", "--json").stdout)["leftovers"] == 0


def test_an_unknown_engine_or_model_is_one_sentence(headrace: Run) -> None:
    assert "choose simulated or vllm" in sentence(headrace("up", "--engine", "magic"))
    assert "nonesuch" in sentence(headrace("up", "--detach", "--model", "nonesuch", "--port", "1"))


def test_down_and_status_work_where_nothing_runs(headrace: Run) -> None:
    down = headrace("down")
    assert (down.returncode, down.stdout.strip()) == (0, "Headrace was not up.")
    status = headrace("status")
    assert status.returncode == 0
    assert "not up" in status.stdout
    report = json.loads(headrace("status", "--json").stdout)
    assert report["running"] is False
    assert report["services"] == []


def test_logs_of_an_unknown_service_name_those_that_there_are(headrace: Run, tmp_path: Path) -> None:
    assert "no logs yet" in sentence(headrace("logs"))
    folder = tmp_path / "var" / "log"
    folder.mkdir(parents=True)
    (folder / "gateway.log").write_text("one\ntwo\n")
    assert "there are: gateway" in sentence(headrace("logs", "nonesuch"))
    assert headrace("logs", "gateway", "-n", "1").stdout == "two\n"
    assert headrace("logs").stdout == "gateway | one\ngateway | two\n"


def test_accounts_need_a_running_instance_or_a_database(headrace: Run) -> None:
    told = sentence(headrace("users", "create-admin", "ada@example.org", "--password-stdin"))
    assert "Headrace is not up" in told


def test_too_little_disk_is_one_sentence(monkeypatch: pytest.MonkeyPatch, var: VarDirectory) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**8))
    with pytest.raises(ClusterError, match=r"0\.1 GiB free and Headrace needs 1 GiB; make room"):
        start.check_disk(var)


def test_which_models_are_wanted() -> None:
    assert wanted_models(None, ()) == ("smollm2-135m",)
    assert wanted_models("simulated", ()) == ("simulated",)
    assert wanted_models(None, ("a", "b")) == ("a", "b")
    with pytest.raises(ClusterError, match="either --engine or --model"):
        wanted_models("simulated", ("a",))


def test_status_tells_of_each_service_what_programs_ask_for(var: VarDirectory) -> None:
    supervisor = Supervisor([fake(var, "one"), fake(var, "task", "pass", task=True)], var)
    supervisor.start()
    try:
        supervisor.wait_ready(30)
        write_state(var.state_file, {n: (r.service, r.status) for n, r in supervisor.runners.items()})
        report = look(var)
    finally:
        supervisor.stop()
    services = report["services"]
    assert isinstance(services, list)
    (row,) = services
    assert set(row) == {"service", "state", "pid", "port", "memory", "since", "restarts", "last_exit"}
    assert row["service"] == "one"
    # No supervisor's process holds the lock here, so the instance is not up.
    assert report["running"] is False
    assert row["state"] == State.STOPPED.value


def test_a_plan_survives_the_file(var: VarDirectory) -> None:
    plan = Plan(port=8081, models=("a", "b"), gpu=True)
    plan.save(var.plan_file)
    assert load_plan(var.plan_file) == plan
    var.plan_file.write_text("{")
    assert load_plan(var.plan_file) is None


def test_up_prints_the_page_the_first_admin_and_a_line_to_try(
    var: VarDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(var.root)
    monkeypatch.delenv("HEADRACE_VAR_DIR", raising=False)
    describe(Plan(port=8081, models=("simulated",)), var, Console(highlight=False, width=80))
    printed = capsys.readouterr().out
    assert "http://localhost:8081" in printed
    assert "./headrace users create-admin" in printed
    (line,) = [line for line in printed.splitlines() if line.startswith("curl ")]
    assert '-H "Authorization: Bearer $(cat secrets/local-api-key)"' in line
    assert '"model": "simulated", "stream": true' in line


def test_the_doctor_finds_secrets_that_others_may_read(var: VarDirectory) -> None:
    (var.secrets / "internal-token").write_text("x")
    (var.secrets / "internal-token").chmod(0o644)
    (finding,) = [finding for finding in examine(var) if finding.what == "secrets"]
    assert finding.verdict is Verdict.WRONG
    assert "internal-token" in finding.found
    assert finding.to_do == f"chmod -R go= {var.secrets}"


def test_the_doctor_has_nothing_to_complain_of_in_a_new_instance(var: VarDirectory) -> None:
    shutil.rmtree(var.secrets)
    free = _free_port()
    Plan(port=free, models=("simulated",)).save(var.plan_file)
    assert [finding for finding in examine(var) if finding.verdict is Verdict.WRONG] == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
