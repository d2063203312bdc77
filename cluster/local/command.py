"""Run a program whose output is progress: lines are shown and kept, the last one explains a failure."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cluster.local.errors import ClusterError


def run(
    argv: Sequence[str],
    *,
    doing: str,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    show: Callable[[str], None] = lambda line: None,
    timeout: float = 1800.0,
) -> None:
    """Run to the end, appending what it writes to `log`.

    Args:
        doing: completes the sentence "... failed", for a person.
        timeout: seconds after which it is ended.

    Raises:
        ClusterError: it could not be started, ended with another status than 0, or took too long.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(env) if env is not None else dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ClusterError(f"{doing} failed: {argv[0]} could not be started ({error}).") from error
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    last = ""
    until = time.monotonic() + timeout
    try:
        with log.open("a") as file:
            while (line := _next(lines, until)) is not None:
                file.write(line)
                file.flush()
                if line.strip():
                    last = line.strip()
                    show(last)
        process.wait(max(0.1, until - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"{doing} took longer than {timeout:.0f} s and was ended; see {log}.") from error
    finally:
        _end_group(process)
        reader.join(5)
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode != 0:
        raise ClusterError(
            f"{doing} failed: {last or f'status {process.returncode}'} (everything is in {log})"
        )


def _read(process: subprocess.Popen[str], lines: "queue.Queue[str | None]") -> None:
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def _next(lines: "queue.Queue[str | None]", until: float) -> str | None:
    while time.monotonic() < until:
        try:
            return lines.get(timeout=0.25)
        except queue.Empty:
            continue
    raise TimeoutError


def _end_group(process: subprocess.Popen[str]) -> None:
    """End what is left of it and its children when we leave early: an interrupt, a timeout."""
    # First as Ctrl-C does, on which test runners take down what they have put up.
    for number, patience in ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        # It leads a session, and so a group, of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
