"""Goal G3, the bundled model in three ways: `python -m benchmarks.engine`, or `./headrace bench engine`.

vLLM's own server, `ray.serve.llm` through its Python ingress, and the whole of Headrace with identity,
limits, ledger and history on: interleaved in one run, with the same engine arguments. README.md of this
folder says how to read it.
"""

import argparse
import dataclasses
import os
import random
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.engine_servers import start_bare, start_ray
from benchmarks.errors import BenchmarkFailed
from benchmarks.intervals import bootstrap, ratios
from benchmarks.keeping import keep
from benchmarks.measure import LoadGenerator, load_generator
from benchmarks.scenarios import Scenario
from benchmarks.stack import Target
from benchmarks.whole import Whole
from cluster.local.errors import ClusterError

ROUNDS: Final = 5
QUICK_ROUNDS: Final = 1
SEED: Final = 20_240_601
AGAIN: Final = "headrace again"
# Between two blocks, for what the last one left behind.
SETTLE_SECONDS: Final = 1.0
# Limits of the goal: tokens a second of bare vLLM's and of Ray's, and first token of bare vLLM's.
SPEED_OF_BARE: Final = 1.00
SPEED_OF_RAY: Final = 1.10
FIRST_OF_BARE: Final = 1.05
_QUESTION: Final = "Tell me a long story about a river, a mill, and the people who live beside it."


@dataclass(frozen=True, slots=True)
class Ask(Scenario):
    """Streams of a real model that have an exact number of tokens, whatever it would say."""

    model: str = ""

    def body(self) -> bytes:
        return self._asking(self.tokens)

    def warm(self) -> bytes:
        return self._asking(1)

    def _asking(self, tokens: int) -> bytes:
        return orjson.dumps(
            {
                "model": self.model,
                "messages": [{"role": "user", "content": _QUESTION}],
                "max_tokens": tokens,
                "temperature": 0,
                "ignore_eos": True,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        )


def alone(model: str) -> Ask:
    """One at a time, short ones, for the first token."""
    return Ask("alone", 0, 1, stream=True, tokens=8, model=model)


def sixteen(model: str, tokens: int) -> Ask:
    """Sixteen at a time, for tokens a second."""
    return Ask("sixteen", 0, 16, stream=True, tokens=tokens, model=model)


# How long new requests are begun: the short ones follow each other, of the long ones there is one wave, of as
# many tokens as this machine makes in about so many seconds.
SECONDS: Final = {"alone": 6.0, "sixteen": 0.0}
WAVE_SECONDS: Final = 10.0
FEWEST_TOKENS: Final = 32
MOST_TOKENS: Final = 128


def wave_tokens(answer: dict[str, Any]) -> int:
    """Of each of sixteen streams, from what a wave of the fewest took."""
    speed = answer["tokens"] / answer["wall_s"]
    return min(MOST_TOKENS, max(FEWEST_TOKENS, int(speed * WAVE_SECONDS / 16)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 1 when it could not be measured, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="headrace bench engine", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is the standard output")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is asked ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="one round: a look, not a measurement")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json == "-", highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        found = measure(QUICK_ROUNDS if options.quick else max(1, options.rounds), console)
    except (BenchmarkFailed, ClusterError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has been ended.")
        return 130
    show(found, console)
    keep(found, options.json)
    return 0


def measure(rounds: int, console: Console) -> dict[str, Any]:
    """Start all three, ask them in turn, end them. Raises BenchmarkFailed."""
    before = machine.load()
    with Whole() as whole, ExitStack() as opened:
        with console.status("Starting Headrace"):
            whole.start()
        spec, weights = whole.spec, whole.weights()
        targets: list[Target] = []
        for name, start in (("vLLM's own server", start_bare), ("ray.serve.llm", start_ray)):
            with console.status(f"Starting {name}"):
                process, target = start(spec, weights, whole.directory / f"{target_file(name)}.log")
                opened.callback(process.stop)
                targets.append(target)
        targets += [whole.ours, dataclasses.replace(whole.ours, name=AGAIN)]
        generator = load_generator(whole.directory / "client.log", dict(os.environ))
        opened.callback(generator.stop)
        client = LoadGenerator(generator)
        first = machine.moment(whole.pid)
        generate = random.Random(SEED)
        kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
        with console.status("Warming up") as status:
            tokens = FEWEST_TOKENS
            for target in targets:
                answer = _ask(client, sixteen(spec.name, FEWEST_TOKENS), target)
                tokens = max(tokens, wave_tokens(answer))
            asked = (alone(spec.name), sixteen(spec.name, tokens))
            for number in range(rounds + 1):
                blocks = [(scenario, target) for scenario in asked for target in targets]
                generate.shuffle(blocks)
                for scenario, target in blocks:
                    status.update(f"Round {number} of {rounds}: {scenario.name}, {target.name}")
                    answer = _ask(client, scenario, target)
                    # The first round warms up and is thrown away.
                    if number:
                        kept.setdefault((scenario.name, target.name), []).append(answer)
        during = machine.noise_between(first, machine.moment(whole.pid))
    names = [target.name for target in targets]
    return {
        "machine": {**machine.describe(), "before": before, "during": asdict(during)},
        "model": spec.name,
        "rounds": rounds,
        "tokens_of_a_stream": tokens,
        "tokens_per_second": {
            name: [item["tokens"] / item["wall_s"] for item in kept["sixteen", name]] for name in names
        },
        "first_ms": {name: [item["first_ms"]["p50"] for item in kept["alone", name]] for name in names},
        "first_of_sixteen_ms": {
            name: [item["first_ms"]["p50"] for item in kept["sixteen", name]] for name in names
        },
    }


def _ask(client: LoadGenerator, scenario: Ask, target: Target) -> dict[str, Any]:
    """One block. Raises BenchmarkFailed."""
    answer = client.run(scenario, target, seconds=SECONDS[scenario.name], length=None)
    if answer["errors"]:
        raise BenchmarkFailed(f"{target.name} failed: {'; '.join(answer['said'])}")
    time.sleep(SETTLE_SECONDS)
    return answer


def target_file(name: str) -> str:
    """A name as part of a file's."""
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def goals(found: dict[str, Any]) -> list[tuple[str, str, str, list[float], bool | None]]:
    """What is compared: title, limit, what it is of, the rounds' ratios, and whether the median meets it."""
    speed, first = found["tokens_per_second"], found["first_ms"]
    compared = [
        ("tokens a second, 16 streams", ">=", SPEED_OF_BARE, "bare vLLM", speed),
        ("tokens a second, 16 streams", ">=", SPEED_OF_RAY, "ray.serve.llm", speed),
        ("first token, alone", "<=", FIRST_OF_BARE, "bare vLLM", first),
        ("tokens a second, 16 streams", "", 1.0, AGAIN, speed),
        ("first token, alone", "", 1.0, AGAIN, first),
    ]
    rows = []
    for title, sign, limit, other, values in compared:
        rounds = ratios(values["headrace"], values[other])
        median = statistics.median(rounds)
        met = None if not sign else median >= limit if sign == ">=" else median <= limit
        rows.append((title, f"{sign} {limit:.2f}" if sign else "-", other, rounds, met))
    return rows


def show(found: dict[str, Any], console: Console) -> None:
    """Print everything."""
    title = f"{found['model']}, {found['rounds']} rounds, streams of {found['tokens_of_a_stream']} tokens"
    table = Table(title=title, title_justify="left", box=None)
    for column in ("", "tokens/s, 16 streams", "first token ms, alone", "first token ms, 16 at once"):
        table.add_column(column, justify="left" if not column else "right")
    for name in found["tokens_per_second"]:
        table.add_row(
            name,
            *(
                f"{statistics.median(found[figure][name]):.1f}"
                for figure in ("tokens_per_second", "first_ms", "first_of_sixteen_ms")
            ),
        )
    console.print(table)
    verdicts = Table(title="G3: headrace / other", title_justify="left", box=None)
    for column in ("what", "of", "limit", "median [95%]", ""):
        verdicts.add_column(column)
    for title, limit, other, rounds, met in goals(found):
        interval = bootstrap(rounds)
        verdicts.add_row(
            title,
            other,
            limit,
            f"{interval.median:.3f} [{interval.low:.3f}, {interval.high:.3f}]",
            "control" if met is None else "met" if met else "not met",
        )
    console.print(verdicts)
    if machine.Noise(**found["machine"]["during"]).too_noisy:
        console.print("[yellow]The machine was too noisy to judge times by; measure again when it rests.[/]")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
