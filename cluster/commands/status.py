"""`headrace status`: what the supervisor and the gateway know, as a table or as JSON."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from cluster.local import daemon, leftovers
from cluster.local.directory import VarDirectory, var_directory
from cluster.local.errors import NotReady
from cluster.local.plan import load_plan
from cluster.local.probes import json_get
from cluster.local.processes import memory, same_process
from cluster.local.service import State
from cluster.local.state import read_state

COLOURS = {
    "ready": "green",
    "starting": "yellow",
    "waiting": "yellow",
    "warming": "yellow",
    "restarting": "red",
    "failed": "red",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One service. `memory` is resident bytes of its whole process tree, `since` is RFC 3339."""

    service: str
    state: str
    pid: int | None
    port: int | None
    memory: int
    since: str
    restarts: int
    last_exit: str | None


def look(var: VarDirectory) -> dict[str, object]:
    """The report: `running`, `url`, `services` (rows), `models` (name to state), `leftovers` (processes)."""
    supervisor = daemon.running(var)
    plan = load_plan(var.plan_file)
    left = leftovers.find(var) if supervisor is None and var.run.exists() else []
    return {
        "running": supervisor is not None,
        "supervisor": supervisor,
        "url": plan.url if plan and supervisor else None,
        "services": [asdict(row) for row in rows(var, up=supervisor is not None)],
        "models": models(plan.port) if plan and supervisor else {},
        "leftovers": len(left),
    }


def rows(var: VarDirectory, *, up: bool) -> list[Row]:
    """The services in the order of their start; a task is shown only where it failed."""
    snapshot = read_state(var.state_file)
    found = []
    for entry in snapshot.services if snapshot else ():
        if entry.task and entry.state is not State.FAILED:
            continue
        pid = entry.pid if up else None
        # The supervisor notices within a tenth of a second; whoever asks sooner is told the truth too.
        alive = pid is not None and entry.pid_created is not None and same_process(pid, entry.pid_created)
        state = entry.state.value if up else State.STOPPED.value
        if entry.state is State.FAILED:
            state = State.FAILED.value
        elif up and entry.state is State.READY and not alive:
            state = State.RESTARTING.value
        found.append(
            Row(
                service=entry.service,
                state=state,
                pid=pid if alive else None,
                port=entry.port,
                memory=memory(pid) if alive and pid is not None else 0,
                since=datetime.fromtimestamp(entry.since, UTC).isoformat(timespec="seconds"),
                restarts=entry.restarts,
                last_exit=entry.last_exit,
            )
        )
    return found


def models(port: int) -> dict[str, str]:
    """Each model's state as the gateway tells it; nothing while it does not answer."""
    try:
        _, body = json_get(port, "/readyz")
    except NotReady:
        return {}
    found = body.get("models") if isinstance(body, dict) else None
    return {str(name): str(state) for name, state in found.items()} if isinstance(found, dict) else {}


def status(*, as_json: bool) -> None:
    """Print the report."""
    console = Console(highlight=False)
    report = look(var_directory())
    if as_json:
        console.print(json.dumps(report, indent=2), markup=False, soft_wrap=True)
        return
    if not report["running"]:
        left = report["leftovers"]
        console.print(
            f"Headrace is not up, but {left} of its processes are; ./headrace down ends them."
            if left
            else "Headrace is not up. ./headrace up starts it."
        )
        return
    console.print(_table(var_directory()))
    found = report["models"]
    if isinstance(found, dict) and found:
        shown = ", ".join(
            f"{name} [{COLOURS.get(state, 'default')}]{state}[/]" for name, state in found.items()
        )
        console.print(f"Models: {shown}")
    console.print(f"Page: [cyan]{report['url']}[/]")


def _table(var: VarDirectory) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("service", "state", "process", "port", "memory", "since", "restarts", "last end"):
        table.add_column(
            column, justify="right" if column in ("process", "port", "memory", "restarts") else "left"
        )
    for row in rows(var, up=True):
        table.add_row(
            row.service,
            f"[{COLOURS.get(row.state, 'default')}]{row.state}[/]",
            str(row.pid or "-"),
            str(row.port or "-"),
            f"{row.memory / 1024**2:.0f} MiB",
            datetime.fromisoformat(row.since).astimezone().strftime("%H:%M:%S"),
            str(row.restarts),
            row.last_exit or "",
        )
    return table
