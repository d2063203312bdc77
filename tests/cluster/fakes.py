"""Small programs that stand in for services: they start quickly and misbehave on demand."""

import os
import sys
from pathlib import Path

from cluster.local.directory import VarDirectory
from cluster.local.errors import NotReady
from cluster.local.service import Service

SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
open(sys.argv[1], "w").write("up")
time.sleep(600)
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write("up")
time.sleep(600)
"""
# Leaves a grandchild in a session of its own, as Ray does with HAProxy.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""
FAILING = "import sys; sys.exit(3)"


class FileProbe:
    """Ready when the file is there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> None:
        if not self.path.exists():
            raise NotReady(f"{self.path.name} is missing")


def fake(
    var: VarDirectory,
    name: str,
    program: str = SLEEPER,
    *,
    after: tuple[str, ...] = (),
    grace: float = 5.0,
    stop_wave: int = 0,
    start_deadline: float = 30.0,
    task: bool = False,
) -> Service:
    """A service that runs `program`, whose argument is the file that makes it ready."""
    ready = var.run / f"{name}.ready"
    return Service(
        name=name,
        argv=(sys.executable, "-S", "-c", program, str(ready)),
        env={"PATH": os.environ["PATH"]},
        cwd=var.run,
        log=var.logs / f"{name}.log",
        probe=None if task else FileProbe(ready),
        after=after,
        grace=grace,
        stop_wave=stop_wave,
        start_deadline=start_deadline,
        task=task,
    )
