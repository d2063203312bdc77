"""From nothing to a ready instance: checks, preparation, the supervisor, and the wait for it."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cluster.local import daemon, leftovers, page, ports, postgres, weights
from cluster.local.directory import REPOSITORY, VarDirectory
from cluster.local.errors import ClusterError
from cluster.local.locks import Busy, held_by, only_one
from cluster.local.logs import keep_small, last_lines
from cluster.local.model_states import ModelStates
from cluster.local.plan import Plan
from cluster.local.secrets import load_or_create
from cluster.local.service import State
from cluster.local.stack import gateways, metrics_of, port_names, services
from cluster.local.state import Entry, Snapshot, read_state
from cluster.local.steps import Steps

GIB = 1024**3
LEAST_DISK = 1 * GIB
READY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Started:
    """A ready instance and the process of its supervisor."""

    supervisor: subprocess.Popen[bytes]
    plan: Plan


def start(plan: Plan, var: VarDirectory, steps: Steps, *, parent: int | None) -> Started:
    """Prepare and start everything; returns when the wanted models answer.

    Args:
        parent: the supervisor ends with this process; None leaves it running.

    Raises:
        ClusterError: with one sentence; then nothing is left running.
    """
    check_disk(var)
    var.create()
    try:
        with only_one(var.run / "up.lock"):
            if daemon.running(var) is not None:
                raise ClusterError("This instance is up already; ./headrace status shows it.")
            _end_leftovers(var, steps)
            ports.require_free(plan.port)
            prepare(plan, var, steps)
            return _launch(plan, var, steps, parent)
    except Busy as error:
        other = held_by(var.run / "up.lock")
        raise ClusterError(
            f"Another ./headrace up (process {other}) is starting this instance; wait for it, or end it."
        ) from error


def check_disk(var: VarDirectory) -> None:
    """Raises ClusterError when there is too little room for the data."""
    existing = next(folder for folder in (var.root, *var.root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < LEAST_DISK:
        raise ClusterError(
            f"{existing} has {free / GIB:.1f} GiB free and Headrace needs {LEAST_DISK / GIB:.0f} GiB; "
            "make room, or put the data elsewhere with HEADRACE_VAR_DIR."
        )


def prepare(plan: Plan, var: VarDirectory, steps: Steps) -> None:
    """Weights, page and database folder: whatever is missing. Raises ClusterError."""
    for name in weights.missing(plan.models, var):
        with steps.step(f"Preparing the weights of {name}") as step:
            weights.prepare(name, var, step.detail)
    if not page.is_current(var):
        with steps.step("Building the page") as step:
            page.build(var, step.detail)
    if not (var.postgres / "PG_VERSION").exists():
        with steps.step("Making the database"):
            postgres.prepare(var, load_or_create(var.secrets))


def _end_leftovers(var: VarDirectory, steps: Steps) -> None:
    if leftovers.find(var):
        with steps.step("Ending what an earlier start left running"):
            leftovers.end_all(var)


def _launch(plan: Plan, var: VarDirectory, steps: Steps, parent: int | None) -> Started:
    plan.save(var.plan_file)
    # Makes secrets and chooses ports, which the supervisor then finds.
    services(plan, var)
    var.state_file.unlink(missing_ok=True)
    keep_small(var.logs)
    command = [sys.executable, "-m", "cluster.local.daemon"]
    if parent is not None:
        command += ["--parent", str(parent)]
    log = var.logs / "supervisor.log"
    with log.open("ab") as output:
        log.chmod(0o600)
        supervisor = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(supervisor, plan, var, steps)
    except BaseException:
        supervisor.terminate()
        try:
            supervisor.wait(30)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait(5)
        leftovers.end_all(var)
        raise
    return Started(supervisor, plan)


def _wait(supervisor: subprocess.Popen[bytes], plan: Plan, var: VarDirectory, steps: Steps) -> None:
    began = time.monotonic()
    told: set[str] = set()
    chosen = ports.remembered(port_names(plan), var.run / "ports.json")
    models = ModelStates(
        plan.models,
        gateways=[chosen[metrics_of(name)] for name in gateways(plan)],
        serve=chosen["serve"],
        token=load_or_create(var.secrets).internal_token,
    )
    with steps.console.status("Starting the services") as spinner:
        while time.monotonic() - began < READY_SECONDS:
            snapshot = read_state(var.state_file)
            if supervisor.poll() is not None:
                raise ClusterError(_why(snapshot, var))
            waiting = [] if snapshot is None else _tell(snapshot, told, steps, began)
            if waiting or snapshot is None:
                spinner.update(f"Starting: {', '.join(waiting) or 'the supervisor'}")
            elif late := models.late():
                spinner.update(f"Starting the models: {', '.join(late)}")
            else:
                steps.done(
                    f"Models answer: {', '.join(plan.models) or 'none wanted'}", time.monotonic() - began
                )
                return
            time.sleep(0.2)
    raise ClusterError(
        f"Headrace was not ready within {READY_SECONDS:.0f} s and was ended; "
        "./headrace logs shows what it did, ./headrace doctor what may be missing."
    )


def _tell(snapshot: Snapshot, told: set[str], steps: Steps, began: float) -> list[str]:
    """A line for each service that became ready; returns the names of those that are not."""
    waiting = []
    for entry in snapshot.services:
        if entry.state in (State.READY, State.DONE):
            if entry.service not in told:
                told.add(entry.service)
                steps.done(entry.service, time.monotonic() - began)
        else:
            waiting.append(entry.service)
            if entry.restarts and f"{entry.service} {entry.restarts}" not in told:
                told.add(f"{entry.service} {entry.restarts}")
                steps.note(f"{entry.service} {entry.last_exit or 'ended'}; it is started again")
    return waiting


def _why(snapshot: Snapshot | None, var: VarDirectory) -> str:
    """One sentence about a start that failed."""
    failed: list[Entry] = [e for e in snapshot.services if e.state is State.FAILED] if snapshot else []
    if not failed:
        last = last_lines(var.logs / "supervisor.log", 1)
        return last[0] if last else f"The supervisor ended; see {var.logs}/supervisor.log."
    entry = failed[0]
    log: Path = var.logs / f"{entry.service}.log"
    last = [line for line in last_lines(log, 20) if line.strip()]
    reason = f": {last[-1].strip()[:300]}" if last else ""
    return f"{entry.service} could not be started ({entry.last_exit}){reason} (everything is in {log})"
