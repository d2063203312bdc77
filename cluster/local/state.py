"""The file in which the supervisor tells what it knows, for `status`, `up`, `down` and the next start."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.local.directory import write_atomically
from cluster.local.runner import Status
from cluster.local.service import Service, State


@dataclass(frozen=True, slots=True)
class Entry:
    """One service as the state file tells it. Times are seconds since the epoch."""

    service: str
    state: State
    pid: int | None
    pid_created: float | None
    port: int | None
    since: float
    restarts: int
    last_exit: str | None
    waiting_for: str | None
    task: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything in the state file; the supervisor's own process first."""

    supervisor_pid: int
    supervisor_created: float
    written: float
    services: tuple[Entry, ...]


def write_state(path: Path, services: Mapping[str, tuple[Service, Status]]) -> None:
    """Replace the file."""
    entries = [
        {
            "service": name,
            "state": status.state.value,
            "pid": status.pid,
            "pid_created": status.pid_created,
            "port": service.port,
            "since": status.since,
            "restarts": status.restarts,
            "last_exit": status.last_exit,
            "waiting_for": status.waiting_for,
            "task": service.task,
        }
        for name, (service, status) in services.items()
    ]
    document = {
        "supervisor_pid": os.getpid(),
        "supervisor_created": psutil.Process().create_time(),
        "written": time.time(),
        "services": entries,
    }
    # Not worth a wait for the disk: after a crash of the machine no process of it is left.
    write_atomically(path, json.dumps(document), durable=False)


def read_state(path: Path) -> Snapshot | None:
    """The last state that was written; None where there is none that can be read."""
    try:
        document = json.loads(path.read_text())
        return Snapshot(
            supervisor_pid=document["supervisor_pid"],
            supervisor_created=document["supervisor_created"],
            written=document["written"],
            services=tuple(Entry(**{**e, "state": State(e["state"])}) for e in document["services"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
