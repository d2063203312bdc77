"""Runs the parts of a plan, each on its stack, and says how they ended."""

import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

from rich.console import Console
from rich.table import Table

from cluster.local import command
from cluster.local.directory import var_directory
from cluster.local.errors import ClusterError
from cluster.local.logs import last_lines
from cluster.local.steps import Steps
from cluster.testing.bench import Bench
from cluster.testing.plan import Part, Step

TAIL = 150
# How pytest, Vitest and Playwright name a test that failed.
FAILED_TEST = re.compile(r"^(?:FAILED |ERROR | FAIL  )|[\u2718\u00d7]|^ +\[[^\]]+\] \u203a ")
NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended; `problem` is None when it passed."""

    step: str
    seconds: float
    problem: str | None


def run(parts: Sequence[Part]) -> int:
    """Run the steps and print a summary. A failure does not stop the others. Returns 0 when all passed."""
    # A polite kill ends the stack under test too.
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    outcomes: list[Outcome] = []
    with Bench(var_directory()) as bench:
        for part in parts:
            outcomes += _run_part(part, bench, Steps(console))
    console.print(_summary(outcomes))
    failed = [outcome for outcome in outcomes if outcome.problem is not None]
    for outcome in failed:
        console.print(f"[red]✗[/] {outcome.step}: {outcome.problem}", markup=True, soft_wrap=True)
        for name in _failed_tests(outcome, bench):
            console.print(f"    {name}", markup=False, soft_wrap=True)
    console.print("[green]Everything passed.[/]" if not failed else f"[red]{len(failed)} failed.[/]")
    return 1 if failed else 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run_part(part: Part, bench: Bench, steps: Steps) -> list[Outcome]:
    if part.stack is None:
        return [_run(step, bench, steps) for step in part.steps]
    began = time.monotonic()
    name = f"{part.name}-up"
    try:
        with steps.step(name) as shown:
            bench.start_stack(part.stack, shown.detail, part.env)
    except ClusterError as error:
        problem = Outcome(name, time.monotonic() - began, str(error))
        _show_failure(problem, bench, steps.console)
        bench.stop_stack()
        return [problem, *(Outcome(step.name, 0.0, "its stack did not start") for step in part.steps)]
    outcomes = [Outcome(name, time.monotonic() - began, None)]
    try:
        outcomes += [_run(step, bench, steps) for step in part.steps]
    finally:
        if any(outcome.problem for outcome in outcomes):
            _show_services(bench, steps.console)
        bench.stop_stack()
    return outcomes


def _run(step: Step, bench: Bench, steps: Steps) -> Outcome:
    began = time.monotonic()
    try:
        with steps.step(step.name) as shown:
            bench.log(step.name).unlink(missing_ok=True)
            for prepare in step.needs:
                prepare(bench, shown.detail)
            for argv in step.commands:
                command.run(
                    argv,
                    doing=step.name,
                    log=bench.log(step.name),
                    cwd=step.cwd,
                    env={**bench.environment(), **step.env},
                    show=shown.detail,
                    timeout=step.timeout,
                )
    except ClusterError as error:
        outcome = Outcome(step.name, time.monotonic() - began, str(error))
        _show_failure(outcome, bench, steps.console)
        return outcome
    if step.show:
        for line in last_lines(bench.log(step.name), step.show):
            steps.console.print(line, markup=False, soft_wrap=True)
    return Outcome(step.name, time.monotonic() - began, None)


def _failed_tests(outcome: Outcome, bench: Bench) -> list[str]:
    """What a step's log names as failed: the end of a build's output is all that some builders show."""
    named = [line for line in last_lines(bench.log(outcome.step), 5000) if FAILED_TEST.search(line)]
    return named[:NAMES_SHOWN]


def _show_failure(outcome: Outcome, bench: Bench, console: Console) -> None:
    console.print(f"[red]✗[/] {outcome.step} [dim]{outcome.seconds:.1f} s[/]")
    for line in last_lines(bench.log(outcome.step), TAIL):
        console.print(f"    {line}", markup=False, soft_wrap=True)


def _show_services(bench: Bench, console: Console) -> None:
    """The end of every service's log: whoever reads the build's output cannot look at the files."""
    for path in sorted(bench.stack_logs()):
        console.print(f"[dim]── {path.name}[/]")
        for line in last_lines(path, TAIL):
            console.print(f"    {line}", markup=False, soft_wrap=True)


def _summary(outcomes: list[Outcome]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    table.add_column("")
    for outcome in outcomes:
        shown = "[green]passed[/]" if outcome.problem is None else "[red]failed[/]"
        table.add_row(outcome.step, f"{outcome.seconds:.1f}", shown)
    table.add_row("[dim]total[/]", f"{sum(outcome.seconds for outcome in outcomes):.1f}", "")
    return table
