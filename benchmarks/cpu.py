"""How much processor time a process has used, read from /proc."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processor time in microseconds: all of it, and the kernel's part."""

    total_us: float
    kernel_us: float

    def __add__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.total_us + other.total_us, self.kernel_us + other.kernel_us)

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.total_us - other.total_us, self.kernel_us - other.kernel_us)

    @property
    def kernel_share(self) -> float:
        """0 to 1; 0 where nothing was used."""
        return min(1.0, max(0.0, self.kernel_us / self.total_us)) if self.total_us > 0 else 0.0


def read_stat(text: str, ticks_per_second: int) -> Cpu:
    """The user and system time in the text of /proc/PID/stat, of all threads, ended ones included.

    The resolution is one tick, 10 ms on most systems.
    """
    # The second field is the program's name in parentheses, which may hold anything.
    fields = text.rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    tick = 1_000_000 / ticks_per_second
    return Cpu((user + system) * tick, system * tick)


def read_schedstat(text: str) -> float:
    """The time on a processor in the text of /proc/PID/task/TID/schedstat, in microseconds."""
    return int(text.split()[0]) / 1000


def of_process(pid: int) -> Cpu:
    """What one process has used until now; zero for one that has ended.

    The sum comes from the scheduler's nanoseconds where every thread still runs, because ticks of 10 ms are
    coarse; how it divides into user and kernel always comes from the ticks.
    """
    try:
        ticks = read_stat((_PROC / str(pid) / "stat").read_text(), os.sysconf("SC_CLK_TCK"))
    except (FileNotFoundError, ProcessLookupError):
        return Cpu(0.0, 0.0)
    fine = 0.0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for task in (_PROC / str(pid) / "task").iterdir():
            fine += read_schedstat((task / "schedstat").read_text())
    # Threads that ended are missing in the finer sum: then the ticks know more.
    two_ticks = 2e6 / os.sysconf("SC_CLK_TCK")
    return Cpu(fine if fine > ticks.total_us - two_ticks else ticks.total_us, ticks.kernel_us)


def of_tree(pid: int) -> Cpu:
    """What a process and all its present descendants have used until now."""
    total = of_process(pid)
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            total += of_process(child.pid)
    return total


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores the measured process gets, and which all the others."""

    measured: tuple[int, ...]
    others: tuple[int, ...]


def divide_cores() -> Cores | None:
    """The last core for the measured process, the rest for all others; None where that cannot be done."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    available: Sequence[int] = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        return None
    return Cores((available[-1],), tuple(available[:-1]))


def pin(pid: int, cores: Sequence[int]) -> None:
    """Let a process that has just been started, and its threads to come, run on these cores only."""
    os.sched_setaffinity(pid, cores)
