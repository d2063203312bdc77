"""What the supervisor has to know about one service."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cluster.local.account import Account
from cluster.local.probes import Probe


class State(StrEnum):
    """Where a service stands; `done` is for tasks, which run once."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One supervised process.

    Attributes:
        env: its whole environment, apart from the marks that the supervisor adds.
        probe: asked until it is silent; None for a task, which is ready when it ended with status 0.
        after: names of the services and tasks that must have been ready once before this one starts.
        stop_signal: what ends it in an orderly way.
        grace: seconds it may take for that before it is killed.
        stop_wave: waves are stopped from the highest number to the lowest.
        start_deadline: seconds from its start until the probe must be silent.
        account: who it runs as, where that is not us.
        inherits: open file descriptors that it gets under the same numbers.
        owns_cwd: whoever works in `cwd` belongs to it, marked or not.
        task: it runs once to its end, and is not restarted when that was right.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    cwd: Path
    probe: Probe | None = None
    port: int | None = None
    after: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 5.0
    stop_wave: int = 0
    start_deadline: float = 30.0
    account: Account = field(default_factory=Account)
    inherits: tuple[int, ...] = ()
    owns_cwd: bool = False
    task: bool = False
