"""Finding, marking and ending processes: ours, all of ours, and nothing else."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from cluster.local.service import Service

INSTANCE_VARIABLE = "HEADRACE_INSTANCE"
SERVICE_VARIABLE = "HEADRACE_SERVICE"

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class Spawner:
    """Starts services and buries what nobody else waits for.

    A service's orphans become our children (`adopt_orphans`). Whoever buries them must not take the status
    of a process that somebody waits for: starting and burying exclude each other, and what was started is
    known.
    """

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._lock = threading.Lock()
        self._ours: set[int] = set()

    def spawn(self, service: Service) -> subprocess.Popen[bytes]:
        """Start `service` in a session of its own, its output appended to its log file. Raises OSError."""
        environment = {
            **service.env,
            INSTANCE_VARIABLE: self._instance,
            SERVICE_VARIABLE: service.name,
            # Libraries that set a process title write it over the environment, and the mark with it.
            "SPT_NOENV": "1",
        }
        service.log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(service.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        account = service.account
        try:
            with self._lock:
                process = subprocess.Popen(
                    account.command(service.argv),
                    env=environment,
                    cwd=service.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=descriptor,
                    stderr=descriptor,
                    start_new_session=True,
                    pass_fds=service.inherits,
                    user=account.uid,
                    group=account.gid,
                    extra_groups=[] if account.uid is not None else None,
                )
                self._ours.add(process.pid)
                return process
        finally:
            os.close(descriptor)

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Its exit status was read; its number may come again."""
        with self._lock:
            self._ours.discard(process.pid)

    def bury_orphans(self) -> None:
        """Reap adopted children that have ended."""
        with self._lock:
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.Error, ChildProcessError):
                    if child.pid not in self._ours and child.status() == psutil.STATUS_ZOMBIE:
                        os.waitpid(child.pid, os.WNOHANG)


def adopt_orphans() -> None:
    """From now on, descendants that lose their parent become our children. Linux only, elsewhere nothing."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(parent: int) -> None:
    """Get a SIGTERM when the thread that started us ends. Linux only, elsewhere nothing."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # It ended before we asked.
        os.kill(os.getpid(), signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(option, value, 0, 0, 0)


def marked(instance: str, service: str | None = None) -> list[psutil.Process]:
    """Every process that carries the mark of this instance (and of this service) in its environment."""
    wanted = {f"{INSTANCE_VARIABLE}={instance}".encode()}
    if service is not None:
        wanted.add(f"{SERVICE_VARIABLE}={service}".encode())
    found = []
    for pid in psutil.pids():
        if pid == os.getpid():
            continue
        with contextlib.suppress(OSError, psutil.Error):
            if wanted <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")):
                found.append(psutil.Process(pid))
    return found


def working_in(folder: Path) -> list[psutil.Process]:
    """Every process whose current folder is `folder`: PostgreSQL's, which overwrite their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if process.cwd() == str(folder):
                found.append(process)
    return found


def tree(process: psutil.Process) -> list[psutil.Process]:
    """The process and all its descendants, as far as they still exist."""
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def same_process(pid: int, created: float) -> psutil.Process | None:
    """The process that had number `pid` and this start time, if it still runs."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def end(processes: Iterable[psutil.Process], grace: float) -> None:
    """SIGTERM, up to `grace` seconds of waiting, SIGKILL, and at most 3 s more."""
    processes = list(processes)
    for step, (number, patience) in enumerate(((signal.SIGTERM, grace), (signal.SIGKILL, 3.0))):
        if step == 0 and grace <= 0:
            continue
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        processes = _still_running(processes, patience)
        if not processes:
            return


def _still_running(processes: list[psutil.Process], patience: float) -> list[psutil.Process]:
    until = time.monotonic() + patience
    while True:
        processes = [process for process in processes if _runs(process)]
        if not processes or time.monotonic() >= until:
            return processes
        time.sleep(0.05)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def memory(pid: int) -> int:
    """Resident bytes of the process and all its descendants."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for process in tree(psutil.Process(pid)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
    return total
