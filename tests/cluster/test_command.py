"""Programs whose output is progress: shown, kept, explained when they fail, ended with their children."""

import sys
import time
from pathlib import Path

import psutil
import pytest

from cluster.local import command
from cluster.local.errors import ClusterError


def test_every_line_is_shown_and_kept(tmp_path: Path) -> None:
    shown: list[str] = []
    command.run(
        [sys.executable, "-S", "-c", "print('one'); print(); print('two')"],
        doing="Counting",
        log=tmp_path / "log",
        cwd=tmp_path,
        show=shown.append,
    )
    assert shown == ["one", "two"]
    assert (tmp_path / "log").read_text() == "one\n\ntwo\n"


def test_a_failure_is_explained_by_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"Counting failed: no fingers left \(everything is in .*log\)"):
        command.run(
            [sys.executable, "-S", "-c", "import sys; print('no fingers left'); sys.exit(2)"],
            doing="Counting",
            log=tmp_path / "log",
            cwd=tmp_path,
        )


def test_a_program_that_cannot_be_started_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="Counting failed: /no/such/program could not be started"):
        command.run(["/no/such/program"], doing="Counting", log=tmp_path / "log", cwd=tmp_path)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_one_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    shown: list[str] = []
    with pytest.raises(ClusterError, match="Counting took longer than 1 s and was ended"):
        command.run(
            [sys.executable, "-S", "-c", program],
            doing="Counting",
            log=tmp_path / "log",
            cwd=tmp_path,
            show=shown.append,
            timeout=1.0,
        )
    child = int(shown[0])
    # It was told to end; how soon a killed process is gone is the system's affair.
    until = time.monotonic() + 10
    while lives(child):
        assert time.monotonic() < until, "the child outlived its parent's end"
        time.sleep(0.05)
