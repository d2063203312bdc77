"""`headrace up`: start, say where it is, and stay until Ctrl-C unless detached."""

import os
import shlex
import signal
import sys
import time
from types import FrameType

from rich.console import Console

from cluster.local import daemon
from cluster.local.directory import VarDirectory, var_directory
from cluster.local.errors import ClusterError
from cluster.local.plan import DEFAULT_GATEWAYS, DEFAULT_MODEL, DEFAULT_PORT, SIMULATED, Plan, load_plan
from cluster.local.service import State
from cluster.local.start import Started, start
from cluster.local.state import read_state
from cluster.local.steps import Steps
from cluster.local.stop import stop


def up(
    *,
    engine: str | None,
    models: tuple[str, ...],
    port: int | None,
    gateways: int | None,
    detach: bool,
    gpu: bool,
) -> None:
    """Raises ClusterError; then nothing is left running."""
    plan = Plan(
        port=port or DEFAULT_PORT,
        models=wanted_models(engine, models),
        gpu=gpu,
        gateways=gateways or DEFAULT_GATEWAYS,
    )
    var = var_directory()
    console = Console(highlight=False)
    if daemon.running(var) is not None:
        running = load_plan(var.plan_file)
        asked = Plan(
            port=port or (running.port if running else plan.port),
            models=plan.models if engine or models or running is None else running.models,
            gpu=gpu or (running.gpu if running else False),
            gateways=gateways or (running.gateways if running else plan.gateways),
        )
        _already_up(asked, running, var, console)
        return
    began = time.monotonic()
    # A terminal that is closed, or a polite kill, ends it as Ctrl-C does. Ctrl-C itself is asked for too:
    # a shell without job control starts what it puts in the background with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    started = start(plan, var, Steps(console), parent=None if detach else os.getpid())
    console.print(f"\n[bold]Headrace is up[/] [dim](in {time.monotonic() - began:.0f} s)[/]")
    describe(plan, var, console)
    if not detach:
        _stay(started, var, console)


def wanted_models(engine: str | None, models: tuple[str, ...]) -> tuple[str, ...]:
    """The models to serve. Raises ClusterError for an engine that there is not, or both ways at once."""
    if engine is None:
        return models or (DEFAULT_MODEL,)
    if models:
        raise ClusterError("Give either --engine or --model: a model's file says which engine it needs.")
    if engine not in (SIMULATED, "vllm"):
        raise ClusterError(f"There is no engine {engine!r}; choose simulated or vllm.")
    return (SIMULATED,) if engine == SIMULATED else (DEFAULT_MODEL,)


def describe(plan: Plan, var: VarDirectory, console: Console) -> None:
    """Where the page is, how to make the first admin, and a line to try."""
    key_file = var.secrets / "local-api-key"
    try:
        shown = key_file.relative_to(os.getcwd())  # noqa: PTH109 - relative to where the person types
    except ValueError:
        shown = key_file
    named = f"HEADRACE_VAR_DIR={shlex.quote(str(var.root))} " if "HEADRACE_VAR_DIR" in os.environ else ""
    model = plan.models[0] if plan.models else DEFAULT_MODEL
    body = (
        f'{{"model": "{model}", "stream": true, "temperature": 0, "max_tokens": 64, '
        '"messages": [{"role": "user", "content": "What is the opposite of hot?"}]}'
    )
    console.print(f"  Page         [bold cyan]{plan.url}[/]")
    console.print(f"  First admin  {named}./headrace users create-admin", soft_wrap=True)
    console.print("  Try it       (one line)")
    console.print(
        f'curl -N {plan.url}/v1/chat/completions -H "Authorization: Bearer $(cat {shlex.quote(str(shown))})" '
        f"-H 'Content-Type: application/json' -d '{body}'",
        soft_wrap=True,
        markup=False,
    )


def _already_up(asked: Plan, running: Plan | None, var: VarDirectory, console: Console) -> None:
    """No error, unless something else was asked for than what runs."""
    if running is None or running == asked:
        console.print("Headrace is up already.")
        describe(running or asked, var, console)
        return
    raise ClusterError(
        f"Headrace is up already at {running.url} with {', '.join(running.models) or 'no models'}, "
        "which is not what you asked for; run ./headrace down first, "
        "or set HEADRACE_VAR_DIR for a second one."
    )


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stay(started: Started, var: VarDirectory, console: Console) -> None:
    """Tell of every change until the supervisor ends or we are interrupted."""
    console.print("\nCtrl-C ends it.")
    known: dict[str, tuple[State, int]] = {}
    try:
        while started.supervisor.poll() is None:
            snapshot = read_state(var.state_file)
            for entry in snapshot.services if snapshot else ():
                before = known.get(entry.service)
                known[entry.service] = (entry.state, entry.restarts)
                if before is not None and before != known[entry.service] and not entry.task:
                    reason = f" ({entry.last_exit})" if entry.state is State.RESTARTING else ""
                    console.print(f"[yellow]•[/] {entry.service} is {entry.state.value}{reason}")
            time.sleep(0.5)
    except KeyboardInterrupt:
        # From here on nothing interrupts: half an end would leave processes behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with console.status("Ending everything"):
            stop(var)
        console.print("Headrace is down.")
        sys.exit(130)
    raise ClusterError("The supervisor ended; ./headrace logs supervisor shows why.")
