"""What history costs a chat turn: `python -m benchmarks.history`, or `./headrace bench history`.

The time to the first token of a turn, which is stored, beside that of the same question over `/v1`, which is
not; the SQL statements of a turn; the bytes that an answer is on its way to the browser. README.md of this
folder says how to read it.
"""

import argparse
import asyncio
import random
import signal
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from types import FrameType
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.errors import BenchmarkFailed
from benchmarks.intervals import bootstrap, ratios
from benchmarks.keeping import keep
from benchmarks.stack import Stack
from benchmarks.statements import Statements
from benchmarks.wire import Caller, bytes_over_socket
from cluster.local.errors import ClusterError

# A small model's own time to its first token on a CPU, as the bundled one was measured.
TTFT_MS: Final = 150.0
TOKEN_MS: Final = 5.0
# Rounds by the messages that a conversation begins with; a long one takes long to make.
ROUNDS: Final = {2: 15, 20: 15, 200: 5}
QUICK_ROUNDS: Final = {2: 2}
ASKED_A_ROUND: Final = 5
LENGTHS: Final = (2, 20, 200)
TURNS_COUNTED: Final = 20
ANSWERS: Final = (250, 500, 1000)
QUICK_ANSWERS: Final = (50, 100, 200)
IDLE_SECONDS: Final = 10.0
QUICK_IDLE_SECONDS: Final = 3.0
SEED: Final = 20_240_601
TTFT_RATIO: Final = 1.02
BYTES_A_TOKEN: Final = 60.0
_QUESTION: Final = "[[echo]]the water of the mill race turns the wheel and the stone"
_TEXT: Final = "the water of the mill race turns the wheel and the wheel turns the stone"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 1 when it could not be measured, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="headrace bench history", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is the standard output")
    parser.add_argument("--quick", action="store_true", help="less of everything: a look, not a measurement")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json == "-", highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    before = machine.load()
    first = machine.moment()
    try:
        with Stack(ttft_ms=TTFT_MS, token_ms=TOKEN_MS) as stack:
            with console.status("Starting PostgreSQL, Valkey, the engine and the gateway"):
                stack.start()
            with console.status("Measuring"):
                found = asyncio.run(measure(stack, quick=options.quick))
    except (BenchmarkFailed, ClusterError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has been ended.")
        return 130
    noise = machine.noise_between(first, machine.moment())
    found["machine"] = {**machine.describe(), "before": before, "during": asdict(noise)}
    show(found, console)
    if noise.too_noisy:
        console.print("[yellow]The machine was too noisy to judge times by; measure again when it rests.[/]")
    keep(found, options.json)
    return 0


async def measure(stack: Stack, *, quick: bool) -> dict[str, Any]:
    """Everything, one after the other. Raises BenchmarkFailed."""
    caller = Caller(stack.ours.port, stack.bearer, stack.ours.token)
    try:
        rounds = QUICK_ROUNDS if quick else ROUNDS
        found: dict[str, Any] = {
            "first_token": [await first_tokens(caller, messages, times) for messages, times in rounds.items()]
        }
        lengths = LENGTHS[:2] if quick else LENGTHS
        idle = QUICK_IDLE_SECONDS if quick else IDLE_SECONDS
        async with Statements(stack.database_url, idle) as statements:
            found["statements"] = [await _statements(caller, statements, length) for length in lengths]
        answers = QUICK_ANSWERS if quick else ANSWERS
        found["wire"] = {
            "sse": [await _over_sse(caller, tokens) for tokens in answers],
            "websocket": [await _over_socket(stack, caller, tokens) for tokens in answers],
        }
        return found
    finally:
        caller.close()


class Dialogue:
    """A conversation of the caller, and what was said in it."""

    def __init__(self, caller: Caller, conversation: str) -> None:
        self._caller = caller
        self._conversation = conversation
        self._said: list[dict[str, str]] = []

    async def ask(self) -> float:
        """One turn more; milliseconds to its first token."""
        answer = await self._caller.turn(self._conversation, _QUESTION)
        self._said += [
            {"role": "user", "content": _QUESTION},
            {"role": "assistant", "content": _QUESTION.removeprefix("[[echo]]")},
        ]
        return answer.first_ms

    async def ask_without(self) -> float:
        """The same prompt over `/v1`; milliseconds to its first token."""
        return (await self._caller.relay([*self._said, {"role": "user", "content": _QUESTION}])).first_ms


async def first_tokens(caller: Caller, messages: int, rounds: int) -> dict[str, Any]:
    """Milliseconds to the first token, round by round: with history, without, and with it again; in
    conversations that begin with so many messages."""
    kinds: dict[str, Callable[[Dialogue], Awaitable[float]]] = {
        "on": Dialogue.ask,
        "off": Dialogue.ask_without,
        "again": Dialogue.ask,
    }
    medians: dict[str, list[float]] = {name: [] for name in kinds}
    generator = random.Random(SEED)
    for number in range(rounds + 1):
        dialogue = Dialogue(caller, await caller.conversation())
        for _ in range(messages // 2):
            await dialogue.ask()
        asked = [name for name in kinds for _ in range(ASKED_A_ROUND)]
        generator.shuffle(asked)
        times: dict[str, list[float]] = {name: [] for name in kinds}
        for name in asked:
            times[name].append(await kinds[name](dialogue))
        if number:
            # The first round warms up and is thrown away.
            for name, values in times.items():
                medians[name].append(statistics.median(values))
    return {
        "messages": messages,
        "rounds": rounds,
        "median_ms": {name: statistics.median(values) for name, values in medians.items()},
        "ratio": asdict(bootstrap(ratios(medians["on"], medians["off"]))),
        "again": asdict(bootstrap(ratios(medians["on"], medians["again"]))),
    }


async def _statements(caller: Caller, statements: Statements, length: int) -> dict[str, Any]:
    """SQL statements of a turn in a conversation of `length` messages, without those of an idle gateway."""
    conversation = await caller.conversation()
    for _ in range(length // 2):
        await caller.turn(conversation, "[[echo]]w")

    async def turns() -> None:
        for _ in range(TURNS_COUNTED):
            await caller.turn(conversation, "[[echo]]w")

    counted = await statements.of(turns, TURNS_COUNTED)
    return {"messages": length, "a_turn": sum(counted.values()), "each": counted}


async def _over_sse(caller: Caller, tokens: int) -> dict[str, Any]:
    answer = await caller.turn(await caller.conversation(), question_of(tokens))
    return {"tokens": tokens, "bytes": answer.received}


async def _over_socket(stack: Stack, caller: Caller, tokens: int) -> dict[str, Any]:
    conversation = await caller.conversation()
    received = await bytes_over_socket(
        stack.ours.port, stack.bearer, lambda: caller.begin(conversation, question_of(tokens))
    )
    return {"tokens": tokens, "bytes": received}


def question_of(tokens: int) -> str:
    """One that is answered with so many tokens, each a word of a language's usual length."""
    words = _TEXT.split()
    return "[[echo]]" + " ".join(words[number % len(words)] for number in range(tokens))


def line_through(points: Sequence[tuple[int, int]]) -> tuple[float, float, float]:
    """Bytes a token, bytes an answer, and how far the farthest point is off that line, as a share of it."""
    slope, intercept = statistics.linear_regression([x for x, _ in points], [y for _, y in points])
    off = max(abs(y - (slope * x + intercept)) / y for x, y in points)
    return slope, intercept, off


def show(found: dict[str, Any], console: Console) -> None:
    """Print everything."""
    table = Table(title="History", title_justify="left", box=None)
    for column in ("goal", "what", "limit", "measured", "note"):
        table.add_column(column)
    for first in found["first_token"]:
        ratio, again, times = first["ratio"], first["again"], first["median_ms"]
        table.add_row(
            "G7",
            f"time to first token, history on / off, {first['messages']} messages before",
            f"{TTFT_RATIO}",
            f"{ratio['median']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]",
            f"{times['on']:.1f} and {times['off']:.1f} ms; on / on again {again['median']:.3f} "
            f"[{again['low']:.3f}, {again['high']:.3f}]",
        )
    counts = ", ".join(f"{item['a_turn']:.1f} ({item['messages']} messages)" for item in found["statements"])
    table.add_row(
        "G7", "SQL statements a turn", "a fixed few", counts, "BEGIN and COMMIT are two of them each"
    )
    for name, title in (("sse", "event stream"), ("websocket", "WebSocket")):
        points = [(item["tokens"], item["bytes"]) for item in found["wire"][name]]
        slope, intercept, off = line_through(points)
        whole = points[-1][1] / points[-1][0]
        table.add_row(
            "G8",
            f"bytes a token to the browser, {title}",
            f"{BYTES_A_TOKEN:.0f}",
            f"{whole:.1f}",
            f"{slope:.1f} a token and {intercept:.0f} an answer; off that line by {off:.1%} at most",
        )
    console.print(table)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
