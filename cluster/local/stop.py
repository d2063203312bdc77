"""End an instance: its supervisor does it in order; what it cannot do any more is done for it."""

import os
import signal
import time

import psutil

from cluster.local import daemon, leftovers
from cluster.local.directory import VarDirectory

PATIENCE = 25.0
"""The supervisor needs at most this long. `down` promises 30 s, and force after it takes up to 4 s more."""


def stop(var: VarDirectory) -> bool:
    """End every process of the instance within 30 s. Returns False where none was running."""
    if not var.run.exists():
        return False
    supervisor = daemon.running(var)
    if supervisor is not None:
        _end_supervisor(var, supervisor)
    left = leftovers.end_all(var, grace=1.0 if supervisor is not None else 5.0)
    return supervisor is not None or left > 0


def _end_supervisor(var: VarDirectory, pid: int) -> None:
    until = time.monotonic() + PATIENCE
    try:
        os.kill(pid, signal.SIGTERM)
        while daemon.running(var) == pid and time.monotonic() < until:
            time.sleep(0.1)
        if daemon.running(var) == pid:
            psutil.Process(pid).kill()
    except (ProcessLookupError, psutil.NoSuchProcess):
        # It ended between the look and the signal.
        return
