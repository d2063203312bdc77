"""After `kill -9` of the supervisor: what it left is found, nothing else is, and the next start works."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from cluster.local import leftovers
from cluster.local.directory import VarDirectory
from cluster.local.infrastructure import EmbeddedInfrastructure
from cluster.local.state import read_state

ROOT = Path(__file__).resolve().parents[2]

# A supervisor in a process of its own, with one service whose grandchild hides in another session.
SUPERVISOR = """
import sys, time
from pathlib import Path
from cluster.local.directory import VarDirectory
from cluster.local.processes import adopt_orphans
from cluster.local.supervisor import Supervisor
from tests.cluster.fakes import PARENT, fake
var = VarDirectory(Path(sys.argv[1]))
adopt_orphans()
supervisor = Supervisor([fake(var, "parent", PARENT), fake(var, "other")], var)
supervisor.start()
supervisor.wait_ready(30)
print("ready", flush=True)
time.sleep(600)
"""


def killed_supervisor(var: VarDirectory) -> None:
    """Start one and kill it when its services are ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(var.root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def test_everything_that_a_killed_supervisor_left_is_found_and_ended(var: VarDirectory) -> None:
    killed_supervisor(var)
    grandchild = int((var.run / "parent.ready").read_text())
    snapshot = read_state(var.state_file)
    assert snapshot is not None
    expected = {entry.pid for entry in snapshot.services} | {grandchild}
    assert {process.pid for process in leftovers.find(var)} == expected
    assert leftovers.end_all(var) == len(expected)
    assert leftovers.find(var) == []


def test_another_instance_is_not_touched(var: VarDirectory, tmp_path: Path) -> None:
    other = VarDirectory(tmp_path / "other")
    other.create()
    bystander = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(600)"],
        env={"HEADRACE_INSTANCE": other.instance()},
    )
    try:
        killed_supervisor(var)
        leftovers.end_all(var)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(10)


def test_a_process_that_got_the_number_of_a_service_is_not_taken_for_it(var: VarDirectory) -> None:
    killed_supervisor(var)
    text = var.state_file.read_text()
    leftovers.end_all(var)
    bystander = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    try:
        document = json.loads(text)
        document["services"][0].update(pid=bystander.pid)
        document["services"][0]["pid_created"] -= 10
        var.state_file.write_text(json.dumps(document))
        assert leftovers.find(var) == []
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(10)


def test_postgres_left_behind_is_ended_and_its_data_opens_again(tmp_path: Path) -> None:
    script = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from cluster.local.infrastructure import EmbeddedInfrastructure\n"
        "EmbeddedInfrastructure(Path(sys.argv[1]), ['postgres']).start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    folder = tmp_path / "var"
    done = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    left = leftovers.find(VarDirectory(folder))
    assert len(left) > 1, "the server and its helpers"
    with EmbeddedInfrastructure(folder, ["postgres"]) as servers:
        assert servers.pid("postgres") not in {process.pid for process in left}
        for process in left:
            assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert leftovers.find(VarDirectory(folder)) == []
    assert os.path.exists(folder / "postgres" / "PG_VERSION")  # noqa: PTH110 - owned by another account
