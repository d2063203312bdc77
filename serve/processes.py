"""Find and end the processes of one node, and nobody else's: by a mark in their environment."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from serve.environment import MARKER


def marked_processes(marker: str) -> list[int]:
    """The ids of all living processes, other than this one, that carry the node's mark."""
    wanted = f"{MARKER}={marker}".encode()
    return [pid for pid, environment in _environments() if wanted in environment.split(b"\0")]


def end_processes(marker: str, *, grace_s: float, deadline_s: float) -> list[int]:
    """Ask every process of the node to end, and make those end that have not after `grace_s` seconds.

    New ones may appear while old ones end, so it looks again until there are none or `deadline_s` is over.
    Returns those that are still there.
    """
    start = time.monotonic()
    asked: set[int] = set()
    while remaining := marked_processes(marker):
        passed = time.monotonic() - start
        if passed > deadline_s:
            return remaining
        for pid in remaining:
            if passed >= grace_s:
                _signal(pid, signal.SIGKILL)
            elif pid not in asked:
                asked.add(pid)
                _signal(pid, signal.SIGTERM)
        time.sleep(0.1)
    return []


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _environments() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z":
                yield int(entry.name), (entry / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            # It ended while we looked, or it is someone else's.
            continue
