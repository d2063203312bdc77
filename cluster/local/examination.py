"""What `headrace doctor` looks at: the machine, the installation, the data, and every service that runs."""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import psutil

from cluster.bootstrap import Environment
from cluster.local import daemon, leftovers, page, ports, weights
from cluster.local.account import owner_of
from cluster.local.directory import REPOSITORY, VarDirectory
from cluster.local.errors import ClusterError, NotReady
from cluster.local.plan import DEFAULT_MODEL, DEFAULT_PORT, Plan, load_plan
from cluster.local.probes import json_get
from cluster.local.service import State
from cluster.local.state import read_state

GIB = 1024**3
LEAST_MEMORY = 6 * GIB
LEAST_SHARED_MEMORY = GIB // 4
LEAST_DISK = 1 * GIB
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the system's, not a temporary file of ours


class Verdict(StrEnum):
    """How a finding is meant; only WRONG stops Headrace from working."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    found: str
    to_do: str = ""


def examine(var: VarDirectory) -> list[Finding]:
    """Look at everything; starts and changes nothing."""
    looks: list[Callable[[VarDirectory], Iterator[Finding]]] = [
        _python,
        _requirements,
        _node,
        _disk,
        _memory,
        _shared_memory,
        _database_account,
        _secrets,
        _page,
        _weights,
        _port,
        _leftovers,
        _services,
        _dependencies,
    ]
    return [finding for look in looks for finding in look(var)]


def _python(var: VarDirectory) -> Iterator[Finding]:
    version = sys.version.split()[0]
    right = sys.version_info[:2] == (3, 11)
    verdict = Verdict.GOOD if right else Verdict.WRONG
    yield Finding(
        "Python", verdict, version, "" if right else "Remove .venv; ./headrace makes it with Python 3.11."
    )


def _requirements(var: VarDirectory) -> Iterator[Finding]:
    kind = os.environ.get("HEADRACE_REQUIREMENTS", "cpu")
    environment = Environment(REPOSITORY / ".venv", kind)
    if environment.missing([kind]):
        yield Finding(
            "packages",
            Verdict.NOTE,
            f"not as requirements/{kind}.txt says",
            "The next ./headrace command installs them.",
        )
    else:
        yield Finding("packages", Verdict.GOOD, f"as requirements/{kind}.txt says")


def _node(var: VarDirectory) -> Iterator[Finding]:
    try:
        program = page.node()
    except ClusterError as error:
        yield Finding("Node", Verdict.WRONG, "none", str(error))
        return
    yield Finding("Node", Verdict.GOOD, str(program))


def _disk(var: VarDirectory) -> Iterator[Finding]:
    existing = next(folder for folder in (var.root, *var.root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    good = free >= LEAST_DISK
    yield Finding(
        "disk",
        Verdict.GOOD if good else Verdict.WRONG,
        f"{free / GIB:.1f} GiB free in {existing}",
        "" if good else "Make room, or put the data elsewhere with HEADRACE_VAR_DIR.",
    )


def _memory(var: VarDirectory) -> Iterator[Finding]:
    total = psutil.virtual_memory().total
    good = total >= LEAST_MEMORY
    yield Finding(
        "memory",
        Verdict.GOOD if good else Verdict.NOTE,
        f"{total / GIB:.1f} GiB, {psutil.virtual_memory().available / GIB:.1f} GiB of them free",
        "" if good else "vLLM needs about 6 GiB here; ./headrace up --engine simulated does with 3.",
    )


def _shared_memory(var: VarDirectory) -> Iterator[Finding]:
    try:
        size = shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        yield Finding("shared memory", Verdict.NOTE, "none", "Ray uses the disk instead, which is slower.")
        return
    good = size >= LEAST_SHARED_MEMORY
    yield Finding(
        "shared memory",
        Verdict.GOOD if good else Verdict.NOTE,
        f"{size / GIB:.1f} GiB free in {SHARED_MEMORY}",
        "" if good else "Give the container more (docker run --shm-size=1g), or Ray uses the disk.",
    )


def _database_account(var: VarDirectory) -> Iterator[Finding]:
    if os.geteuid() != 0:
        yield Finding("account", Verdict.GOOD, "not root")
        return
    if not (var.postgres / "PG_VERSION").exists():
        yield Finding("account", Verdict.GOOD, "root; PostgreSQL will get an account of its own")
        return
    how = "in a user namespace" if owner_of(var.postgres).namespace else "as an account of its own"
    yield Finding("account", Verdict.GOOD, f"root; PostgreSQL runs {how}")


def _secrets(var: VarDirectory) -> Iterator[Finding]:
    if not var.secrets.exists():
        yield Finding("secrets", Verdict.GOOD, "none yet; ./headrace up makes them")
        return
    open_to_others = [
        path.name
        for path in (var.secrets, *var.secrets.iterdir())
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_to_others:
        yield Finding(
            "secrets",
            Verdict.WRONG,
            f"others may read {', '.join(open_to_others)}",
            f"chmod -R go= {var.secrets}",
        )
    else:
        yield Finding("secrets", Verdict.GOOD, "readable by their owner alone")


def _page(var: VarDirectory) -> Iterator[Finding]:
    if page.is_current(var):
        yield Finding("page", Verdict.GOOD, "built from the current sources")
    else:
        yield Finding("page", Verdict.NOTE, "not built from the current sources", "./headrace up builds it.")


def _weights(var: VarDirectory) -> Iterator[Finding]:
    plan = load_plan(var.plan_file)
    wanted = plan.models if plan else (DEFAULT_MODEL,)
    try:
        missing = weights.missing(wanted, var)
    except ClusterError as error:
        yield Finding("models", Verdict.WRONG, ", ".join(wanted), str(error))
        return
    if missing:
        yield Finding(
            "weights", Verdict.NOTE, f"not ready: {', '.join(missing)}", "./headrace up prepares them."
        )
    else:
        yield Finding("weights", Verdict.GOOD, f"ready for {', '.join(wanted)}")


def _port(var: VarDirectory) -> Iterator[Finding]:
    plan = load_plan(var.plan_file)
    port = plan.port if plan else DEFAULT_PORT
    if daemon.running(var) is not None:
        yield Finding("port", Verdict.GOOD, f"{port} is ours")
    elif ports.is_free(port):
        yield Finding("port", Verdict.GOOD, f"{port} is free")
    else:
        by = ports.holder(port)
        yield Finding(
            "port",
            Verdict.WRONG,
            f"{port} is in use{f' by {by}' if by else ''}",
            f"End that program, or ./headrace up --port {port + 1}",
        )


def _leftovers(var: VarDirectory) -> Iterator[Finding]:
    if not var.run.exists() or daemon.running(var) is not None:
        return
    found = leftovers.find(var)
    if found:
        yield Finding(
            "leftovers",
            Verdict.NOTE,
            f"{len(found)} processes of an instance that was killed",
            "./headrace down ends them, and so does the next up.",
        )


def _services(var: VarDirectory) -> Iterator[Finding]:
    if daemon.running(var) is None:
        yield Finding("services", Verdict.NOTE, "Headrace is not up", "./headrace up")
        return
    snapshot = read_state(var.state_file)
    for entry in snapshot.services if snapshot else ():
        if entry.state in (State.READY, State.DONE):
            if not entry.task:
                yield Finding(entry.service, Verdict.GOOD, f"ready, restarted {entry.restarts} times")
            continue
        reason = entry.waiting_for or entry.last_exit or ""
        yield Finding(
            entry.service,
            Verdict.WRONG,
            f"{entry.state.value}{f': {reason}' if reason else ''}",
            f"./headrace logs {entry.service}",
        )


def _dependencies(var: VarDirectory) -> Iterator[Finding]:
    """What the gateway says about what it stands on."""
    plan: Plan | None = load_plan(var.plan_file)
    if plan is None or daemon.running(var) is None:
        return
    try:
        _, report = json_get(plan.port, "/readyz")
    except NotReady as reason:
        yield Finding("gateway's report", Verdict.WRONG, str(reason), "./headrace logs gateway")
        return
    if not isinstance(report, dict):
        yield Finding("gateway's report", Verdict.WRONG, "unreadable", "./headrace logs gateway")
        return
    for name, state in dict(report.get("dependencies") or {}).items():
        verdict = Verdict.GOOD if state == "ok" else Verdict.WRONG
        yield Finding(
            f"gateway → {name}", verdict, str(state), "" if state == "ok" else f"./headrace logs {name}"
        )
    for name, state in dict(report.get("models") or {}).items():
        verdict = Verdict.GOOD if state == "ready" else Verdict.WRONG
        yield Finding(f"model {name}", verdict, str(state), "" if state == "ready" else "./headrace logs ray")
