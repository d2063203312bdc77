"""What the gateway costs: `python -m benchmarks.overhead`, or `./headrace bench overhead`.

Direct and through the gateway, and LiteLLM beside them, in one run with alternating blocks. README.md of this
folder says how to read it.
"""

import argparse
import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import Console

from benchmarks import cpu, machine, peer, report, table
from benchmarks.errors import BenchmarkFailed
from benchmarks.measure import Block, LoadGenerator, Measurement, load_generator
from benchmarks.scenarios import FULL, QUICK, Scenario
from benchmarks.stack import Stack, Target
from cluster.local.errors import ClusterError

ROUNDS: Final = 7
QUICK_ROUNDS: Final = 2
BLOCK_SECONDS: Final = 1.0
QUICK_BLOCK_SECONDS: Final = 0.25
IDLE_SECONDS: Final = 3.0
# An engine of about the speed of a small model on a CPU, for load generators that ask for no pace.
SERVED_TTFT_MS: Final = 20.0
SERVED_TOKEN_MS: Final = 5.0
SEED: Final = 20_240_601
MOST_ROUNDS: Final = 100
# Of a file, which has none.
WIDTH: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 1 when a request failed or nothing could be measured, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=options.json == "-")
    if not console.is_terminal:
        console.width = WIDTH
    # Everything that was started is ended on the way out, whichever way that is.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.serve_only:
            return _serve(options, console)
        found = measure(
            rounds=options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS),
            seconds=QUICK_BLOCK_SECONDS if options.quick else BLOCK_SECONDS,
            scenarios=QUICK if options.quick else FULL,
            with_peer=options.peer is not None,
            pinned=not options.unpinned,
            console=console,
        )
    except (BenchmarkFailed, ClusterError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has been ended.")
        return 130
    table.show(found, console)
    if options.json:
        text = json.dumps(found, indent=2) + "\n"
        if options.json == "-":
            sys.stdout.write(text)
        else:
            Path(options.json).write_text(text)
    return 1 if found["errors"] else 0


def measure(
    *,
    rounds: int,
    seconds: float,
    scenarios: Sequence[Scenario],
    with_peer: bool,
    pinned: bool,
    console: Console,
) -> dict[str, Any]:
    """Start everything, run all rounds, end everything; the report.

    Args:
        seconds: how long one block sends requests.
        with_peer: LiteLLM too; it is installed when that is missing.

    Raises: BenchmarkFailed, cluster.local.errors.ClusterError.
    """
    before = machine.load()
    _say_load(before, console)
    programs = None
    if with_peer:
        programs = peer.install()
    with Stack(pinned=pinned) as stack:
        with console.status("Starting PostgreSQL, Valkey, the engine and the gateway"):
            stack.start()
        again = dataclasses.replace(stack.ours, name=report.AGAIN)
        targets: list[Target] = [stack.direct, stack.ours, again]
        if programs is not None:
            with console.status("Starting LiteLLM"):
                targets.append(peer.start(stack, programs))
        generator = stack.open(load_generator(stack.log("client"), dict(os.environ)))
        measurement = Measurement(LoadGenerator(generator), targets, stack.engine.pid, seed=SEED)
        with console.status("Comparing contents"):
            for scenario in {scenario.kind: scenario for scenario in scenarios}.values():
                measurement.compare_contents(scenario)
        idle = _idle(stack.gateway.pid)
        kept: list[list[Block]] = []
        first = machine.moment()
        with console.status("Warming up") as status:
            # Thrown away.
            measurement.round(scenarios, min(seconds, QUICK_BLOCK_SECONDS), lambda _: None)

            def note(what: str) -> None:
                status.update(f"Round {len(kept) + 1} of {rounds}: {what}")

            for _ in range(rounds):
                kept.append(measurement.round(scenarios, seconds, note))
        during = machine.noise_between(first, machine.moment())
    name = peer.NAME if programs is not None else None
    failed, said = report.errors(kept)
    found = report.scenarios(kept, scenarios, name)
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "load": {
            "before": before,
            "during": dataclasses.asdict(during),
            "after": {"averages": list(os.getloadavg())},
        },
        "noisy": during.too_noisy,
        "rounds": rounds,
        "block_seconds": seconds,
        "seed": SEED,
        "pinned": dataclasses.asdict(stack.cores) if stack.cores else None,
        "peer": {"name": name, "version": peer.version(programs)} if programs is not None else None,
        "idle": {"gateway_cpu_ms_per_second": idle},
        "scenarios": found,
        "goals": report.goals(found, name),
        "errors": failed,
        "said": said,
    }


def _idle(pid: int) -> float:
    """Milliseconds of CPU that a process uses in a second without requests."""
    before = cpu.of_tree(pid)
    time.sleep(IDLE_SECONDS)
    return (cpu.of_tree(pid) - before).total_us / 1000 / IDLE_SECONDS


def _serve(options: argparse.Namespace, console: Console) -> int:
    """Keep the engine and the gateway up until interrupted, for other load generators."""
    with Stack(
        pinned=not options.unpinned,
        gateway_port=options.port,
        ttft_ms=SERVED_TTFT_MS,
        token_ms=SERVED_TOKEN_MS,
    ) as stack:
        with console.status("Starting PostgreSQL, Valkey, the engine and the gateway"):
            stack.start()
        console.print(f"The gateway is at http://127.0.0.1:{stack.ours.port} (process {stack.gateway.pid}).")
        console.print(f"API key: {stack.ours.token}", markup=False)
        console.print("Ctrl-C ends everything.")
        while stack.gateway.popen.poll() is None:
            time.sleep(0.5)
        raise BenchmarkFailed(f"The gateway has ended.{stack.gateway.last_words()}")


def _say_load(load: dict[str, Any], console: Console) -> None:
    averages = ", ".join(f"{value:.2f}" for value in load["averages"])
    others = load["now"]["others"]
    console.print(f"Load averages: {averages}; in the last second others used {others:.0%} of the cores.")
    if machine.Noise(**load["now"]).too_noisy:
        console.print("[yellow]That is too much to judge times by; figures of CPU are still comparable.[/]")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headrace bench overhead", description="What the gateway costs, side by side with doing without."
    )
    parser.add_argument("--peer", choices=[peer.NAME], help="measure it beside us, in its own environment")
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is the standard output")
    parser.add_argument("--rounds", type=_rounds, help=f"how often each block is repeated ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="less of everything: a look, not a measurement")
    parser.add_argument("--unpinned", action="store_true", help="let the system choose the cores")
    parser.add_argument("--serve-only", action="store_true", help="start everything, measure nothing")
    parser.add_argument("--port", type=int, default=0, help="the gateway's port; 0 takes a free one")
    return parser


def _rounds(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_ROUNDS:
        raise argparse.ArgumentTypeError(f"must be between 1 and {MOST_ROUNDS}")
    return number


if __name__ == "__main__":
    sys.exit(main())
