"""What else the machine does while we measure."""

import os
import platform
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks import cpu

SAMPLE_SECONDS: Final = 1.0
# Shares of all cores; above them, figures of time say little, and figures of CPU still something.
NOISY_OTHERS: Final = 0.10
NOISY_STEAL: Final = 0.03


@dataclass(frozen=True, slots=True)
class Moment:
    """Counters since the machine was started, in seconds of one core."""

    at: float
    busy: float
    stolen: float
    ours: float


def moment(*roots: int) -> Moment:
    """The counters now; `ours` is this process, those named, and the descendants of all of them."""
    times = psutil.cpu_times()
    stolen = getattr(times, "steal", 0.0)
    # Guest time is contained in user time.
    counted = times.user + times.system + getattr(times, "nice", 0.0) + getattr(times, "irq", 0.0)
    counted += getattr(times, "softirq", 0.0)
    ours = sum(cpu.of_tree(root).total_us for root in (os.getpid(), *roots)) / 1e6
    return Moment(time.monotonic(), counted, stolen, ours)


@dataclass(frozen=True, slots=True)
class Noise:
    """Shares of all cores, 0 to 1: what others used, and what the host took away."""

    others: float
    stolen: float

    @property
    def too_noisy(self) -> bool:
        """Whether to say that the figures should not be judged."""
        return self.others > NOISY_OTHERS or self.stolen > NOISY_STEAL


def noise_between(first: Moment, last: Moment) -> Noise:
    """What went on between two moments besides us."""
    whole = max(1e-9, (last.at - first.at) * (os.cpu_count() or 1))
    others = (last.busy - first.busy) - (last.ours - first.ours)
    return Noise(max(0.0, others / whole), max(0.0, (last.stolen - first.stolen) / whole))


def noise_now() -> Noise:
    """One second of looking."""
    first = moment()
    time.sleep(SAMPLE_SECONDS)
    return noise_between(first, moment())


def describe() -> dict[str, Any]:
    """What this machine is, as far as it matters for the figures."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "uvicorn": version("uvicorn"),
        "uvloop": version("uvloop"),
        "aiohttp": version("aiohttp"),
    }


def load() -> dict[str, Any]:
    """The load averages, and the last second."""
    return {"averages": list(os.getloadavg()), "now": asdict(noise_now())}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")
