"""Which replica should be asked: `python -m benchmarks.prefix`, or `./headrace bench prefix`.

Conversations of several turns that share a system prompt, over two replicas of the bundled model: through
Headrace, which asks the replica that has read the beginning, or the one with the fewest requests; and through
`ray.serve.llm`, by its prefix-aware router or in turn. README.md of this folder says how to read it.
"""

import argparse
import asyncio
import random
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import Any, Final

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.engine_servers import start_ray
from benchmarks.errors import BenchmarkFailed
from benchmarks.intervals import bootstrap, ratios
from benchmarks.keeping import keep
from benchmarks.stack import Target
from benchmarks.whole import Whole
from cluster.local.errors import ClusterError

ROUNDS: Final = 4
QUICK_ROUNDS: Final = 1
REPLICAS: Final = 2
CONVERSATIONS: Final = 6
TURNS: Final = 4
ANSWER_TOKENS: Final = 16
ANSWER_SECONDS: Final = 180.0
SEED: Final = 20_240_601
OURS: Final = ("headrace, affinity", "headrace, leastconn")
RAYS: Final = ("ray, prefix-aware", "ray, round robin")
_WORDS: Final = (
    "river",
    "mill",
    "wheel",
    "stone",
    "water",
    "gate",
    "grain",
    "flour",
    "bridge",
    "winter",
    "bread",
    "road",
)


@dataclass
class Round:
    """What one round over one way showed. `firsts`: milliseconds, of all turns but the first ones."""

    seconds: float = 0.0
    tokens: int = 0
    firsts: list[float] = field(default_factory=list)


class Talk:
    """Conversations that go on at the same time, each asking its next question when it has its answer."""

    def __init__(self, client: aiohttp.ClientSession, target: Target, model: str, seed: int) -> None:
        self._client = client
        self._target = target
        self._model = model
        self._random = random.Random(seed)

    async def round(self) -> Round:
        """Raises BenchmarkFailed."""
        found = Round()
        # Of this round alone: what an earlier one has left in a cache is of no use.
        system = f"You are {self._text(8)}. Always remember: {self._text(180)}."
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONVERSATIONS):
                questions = [self._text(24) for _ in range(TURNS)]
                group.create_task(self._conversation(system, questions, found))
        found.seconds = time.perf_counter() - begun
        return found

    async def _conversation(self, system: str, questions: Sequence[str], found: Round) -> None:
        messages = [{"role": "system", "content": system}]
        for number, question in enumerate(questions):
            messages.append({"role": "user", "content": question})
            first, text, tokens = await self._ask(messages)
            messages.append({"role": "assistant", "content": text})
            found.tokens += tokens
            if number:
                found.firsts.append(first)

    async def _ask(self, messages: Sequence[dict[str, str]]) -> tuple[float, str, int]:
        body = {
            "model": self._model,
            "messages": messages,
            "max_tokens": ANSWER_TOKENS,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        address = f"http://127.0.0.1:{self._target.port}{self._target.path}"
        begun, first, text, tokens = time.perf_counter(), 0.0, "", 0
        headers = {"authorization": f"Bearer {self._target.token}"}
        async with self._client.post(address, json=body, headers=headers) as response:
            if response.status != 200:
                raise BenchmarkFailed(
                    f"{self._target.name}: {response.status} {(await response.text())[:200]}"
                )
            async for line in response.content:
                if not line.startswith(b"data: {"):
                    continue
                chunk = orjson.loads(line[6:])
                for choice in chunk["choices"]:
                    piece = choice["delta"].get("content") or ""
                    if piece and not first:
                        first = (time.perf_counter() - begun) * 1000
                    text += piece
                tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
        if tokens != ANSWER_TOKENS:
            raise BenchmarkFailed(f"{self._target.name}: {tokens} tokens of {ANSWER_TOKENS}")
        # An answer whose first tokens show nothing has none to time.
        return first or (time.perf_counter() - begun) * 1000, text, tokens

    def _text(self, words: int) -> str:
        return " ".join(self._random.choice(_WORDS) for _ in range(words))


async def measure(targets: Sequence[Target], model: str, rounds: int, note: Any) -> dict[str, list[Round]]:
    """Each target the same conversations, in random order, round by round; the first round is thrown away."""
    order = random.Random(SEED)
    kept: dict[str, list[Round]] = {target.name: [] for target in targets}
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as client:
        for number in range(rounds + 1):
            for target in order.sample(list(targets), len(targets)):
                note(f"Round {number} of {rounds}: {target.name}")
                try:
                    found = await Talk(client, target, model, SEED + number).round()
                except* (aiohttp.ClientError, TimeoutError, BenchmarkFailed) as errors:
                    raise BenchmarkFailed(repr(errors.exceptions[0])) from errors
                if number:
                    kept[target.name].append(found)
                await asyncio.sleep(1)
    return kept


def through_headrace(rounds: int, note: Any) -> dict[str, list[Round]]:
    """Both ways at the same time, one asked at a time."""
    with ExitStack() as opened:
        targets = []
        for name in OURS:
            note(f"Starting {name}")
            env = {"HEADRACE_REPLICA_CHOICE": name.rpartition(" ")[2]}
            whole = opened.enter_context(Whole(name=name, replicas=REPLICAS, env=env))
            whole.start()
            targets.append(whole.ours)
        return asyncio.run(measure(targets, whole.spec.name, rounds, note))


def through_ray(rounds: int, note: Any) -> dict[str, list[Round]]:
    """The same with `ray.serve.llm`. The weights are those of a Headrace that is started for them."""
    with Whole() as whole, ExitStack() as opened:
        note("Preparing the weights")
        whole.start()
        weights = whole.weights()
        several = whole.spec.replicas.model_copy(update={"min": REPLICAS, "max": REPLICAS})
        spec = whole.spec.model_copy(update={"replicas": several})
        whole.stop()
        targets = []
        for name, router in zip(RAYS, ("prefix", "round-robin"), strict=True):
            note(f"Starting {name}")
            log = whole.directory / f"{router}.log"
            process, target = start_ray(spec, weights, log, name=name, router=router)
            opened.callback(process.stop)
            targets.append(target)
        return asyncio.run(measure(targets, spec.name, rounds, note))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 1 when it could not be measured, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="headrace bench prefix", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is the standard output")
    parser.add_argument("--quick", action="store_true", help="one round: a look, not a measurement")
    parser.add_argument("--ours", action="store_true", help="leave ray.serve.llm out")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json == "-", highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    before = machine.load()
    try:
        with console.status("Starting") as status:
            kept = through_headrace(rounds, status.update)
            if not options.ours:
                kept |= through_ray(rounds, status.update)
    except (BenchmarkFailed, ClusterError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has been ended.")
        return 130
    found = {
        "machine": {**machine.describe(), "before": before},
        "rounds": rounds,
        "ways": {name: [asdict(item) for item in items] for name, items in kept.items()},
    }
    show(found, console)
    keep(found, options.json)
    return 0


def show(found: dict[str, Any], console: Console) -> None:
    """Print everything."""
    table = Table(
        title=f"{CONVERSATIONS} conversations of {TURNS} turns, {REPLICAS} replicas, "
        f"{found['rounds']} rounds",
        title_justify="left",
        box=None,
    )
    for column in ("", "first token p50 ms", "p90 ms", "tokens/s"):
        table.add_column(column, justify="left" if not column else "right")
    for name, items in found["ways"].items():
        firsts = sorted(first for item in items for first in item["firsts"])
        seconds = sum(item["seconds"] for item in items)
        table.add_row(
            name,
            f"{statistics.median(firsts):.0f}",
            f"{firsts[int(len(firsts) * 0.9)]:.0f}",
            f"{sum(item['tokens'] for item in items) / seconds:.1f}",
        )
    console.print(table)
    for one, other in (OURS, RAYS):
        if one in found["ways"]:
            medians = [
                [statistics.median(item["firsts"]) for item in found["ways"][name]] for name in (one, other)
            ]
            interval = bootstrap(ratios(medians[0], medians[1]))
            console.print(
                f"First token, {one} / {other}: {interval.median:.3f} "
                f"[{interval.low:.3f}, {interval.high:.3f}]"
            )


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
