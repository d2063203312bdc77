"""Goal G4, chats beside work that can wait: `python -m benchmarks.mixed`, or `./headrace bench mixed`.

All of Headrace with the bundled model: chats that come by chance, a backlog of requests that never ends, each
alone and both together, in turns in one run. README.md of this folder says how to read it.
"""

import argparse
import asyncio
import contextlib
import math
import random
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import Any, Final

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.errors import BenchmarkFailed
from benchmarks.intervals import Interval, bootstrap, percentile, ratios
from benchmarks.keeping import keep
from benchmarks.whole import Whole
from cluster.local.errors import ClusterError
from serve.seats import WAVE_SECONDS

ROUNDS: Final = 4
SECONDS: Final = 40.0
QUICK_ROUNDS: Final = 1
QUICK_SECONDS: Final = 15.0
CALIBRATION_SECONDS: Final = 12.0
SEED: Final = 20_240_601
# More than the engine takes, so that there is always one that waits.
BACKLOG: Final = 24
BATCH_TOKENS: Final = 128
CHAT_TOKENS: Final = 32
# Of what the engine can do at most.
CHAT_SHARE: Final = 0.3
# So long a chat is waited for; later it counts as one that had no first token.
PATIENCE_SECONDS: Final = 60.0
# Until the engine is full, and until what a phase left there is gone.
FILL_SECONDS: Final = 3.0
SETTLE_SECONDS: Final = 1.0
# Goals: the chats' p99 first token beside that of chats alone, all tokens beside those of the backlog alone.
FIRST_RATIO: Final = 1.25
TOKENS_RATIO: Final = 0.85
KINDS: Final = ("chat alone", "backlog alone", "both")
_QUESTION: Final = "Tell me about a river and a mill."
_TASK: Final = "Write a long story about a river, a mill, and the people who live beside it. Part"


@dataclass
class Phase:
    """What one phase showed.

    Attributes:
        firsts: milliseconds from when a chat was due to its first token.
        counting: whether what comes of the backlog counts now.
    """

    seconds: float
    counting: bool = False
    firsts: list[float] = field(default_factory=list)
    chat_tokens: int = 0
    batch_tokens: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        return (self.chat_tokens + self.batch_tokens) / self.seconds


class Load:
    """Asks one Headrace."""

    def __init__(self, client: aiohttp.ClientSession, whole: Whole, seed: int) -> None:
        self._client = client
        self._model = whole.spec.name
        self._bearer = whole.account.bearer
        self._key = {"authorization": f"Bearer {whole.account.key}"}
        self._random = random.Random(seed)
        self._asked = 0

    async def phase(self, kind: str, seconds: float, rate: float) -> Phase:
        """One phase; `rate`: chats a second. Everything that it began has ended when it returns."""
        phase = Phase(seconds)
        async with self._backlog(phase, BACKLOG if kind != "chat alone" else 0):
            if kind == "backlog alone":
                phase.counting = True
                await asyncio.sleep(seconds)
                phase.counting = False
            else:
                await self._chats(phase, seconds, rate)
        await asyncio.sleep(SETTLE_SECONDS)
        return phase

    @contextlib.asynccontextmanager
    async def _backlog(self, phase: Phase, workers: int) -> AsyncIterator[None]:
        """Keeps the engine busy during the block."""
        tasks = [asyncio.create_task(self._work(phase)) for _ in range(workers)]
        try:
            if tasks:
                await asyncio.sleep(FILL_SECONDS)
            yield
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    phase.errors.append(repr(result))

    async def _work(self, phase: Phase) -> None:
        """One request of the backlog after the other, its tokens counted as they come."""
        while True:
            self._asked += 1
            body = {
                "model": self._model,
                "messages": [{"role": "user", "content": f"{_TASK} {self._asked}."}],
                "max_tokens": BATCH_TOKENS,
                "temperature": 0,
                "ignore_eos": True,
                "service_tier": "flex",
                "stream": True,
                "stream_options": {"include_usage": True, "continuous_usage_stats": True},
            }
            async with self._client.post("/v1/chat/completions", json=body, headers=self._key) as response:
                if response.status != 200:
                    raise BenchmarkFailed(f"{response.status}: {(await response.text())[:300]}")
                made = 0
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        usage = orjson.loads(line[6:]).get("usage") or {}
                        now = int(usage.get("completion_tokens", made))
                        if phase.counting:
                            phase.batch_tokens += now - made
                        made = now

    async def _chats(self, phase: Phase, seconds: float, rate: float) -> None:
        """Chats at times that chance decides, each begun when it is due, whatever became of those before."""
        due, times = 0.0, []
        while (due := due + self._random.expovariate(rate)) < seconds:
            times.append(due)
        conversations = [await self._conversation() for _ in times]
        phase.counting = True
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for at, conversation in zip(times, conversations, strict=True):
                await asyncio.sleep(max(0.0, begun + at - time.perf_counter()))
                group.create_task(self._chat(phase, conversation, begun + at))
            await asyncio.sleep(max(0.0, begun + seconds - time.perf_counter()))
            phase.counting = False

    async def _chat(self, phase: Phase, conversation: str, due: float) -> None:
        body = {"content": _QUESTION, "model": self._model, "max_tokens": CHAT_TOKENS, "temperature": 0}
        first = math.inf
        try:
            async with (
                asyncio.timeout(PATIENCE_SECONDS),
                self._client.post(
                    f"/api/conversations/{conversation}/turns",
                    json=body,
                    headers={**self._bearer, "accept": "text/event-stream"},
                ) as response,
            ):
                if response.status != 200:
                    raise BenchmarkFailed(f"{response.status}: {(await response.text())[:300]}")
                event = b""
                async for line in response.content:
                    if line.startswith(b"event: "):
                        event = line[7:].strip()
                        if event == b"delta" and first == math.inf:
                            first = (time.perf_counter() - due) * 1000
                    elif line.startswith(b"data: ") and event == b"usage":
                        phase.chat_tokens += int(orjson.loads(line[6:])["completion_tokens"])
                if event != b"turn.completed":
                    raise BenchmarkFailed(f"a chat ended with {event.decode()}")
        except (TimeoutError, aiohttp.ClientError, BenchmarkFailed) as error:
            phase.errors.append(repr(error))
            first = math.inf
        phase.firsts.append(first)

    async def _conversation(self) -> str:
        # With a title, so that no job asks the model for one.
        async with self._client.post(
            "/api/conversations", json={"title": "Mixed"}, headers=self._bearer
        ) as response:
            if response.status != 201:
                raise BenchmarkFailed(f"{response.status}: {(await response.text())[:300]}")
            return str((await response.json())["id"])


async def measure(whole: Whole, *, rounds: int, seconds: float, note: Any) -> dict[str, Any]:
    """All phases of all rounds, in random order. Raises BenchmarkFailed."""
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{whole.port}",
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_read=PATIENCE_SECONDS),
    ) as client:
        load = Load(client, whole, SEED)
        note("How much the engine can do")
        most = await load.phase("backlog alone", CALIBRATION_SECONDS, 0)
        rate = CHAT_SHARE * most.tokens_per_second / CHAT_TOKENS
        await load.phase("both", CALIBRATION_SECONDS, rate)
        shuffled = random.Random(SEED)
        kept: dict[str, list[Phase]] = {kind: [] for kind in KINDS}
        for number in range(1, rounds + 1):
            for kind in shuffled.sample(KINDS, len(KINDS)):
                if kind == "backlog alone":
                    # Jobs leave places to as many chats as there were lately: alone is without any.
                    note(f"Round {number} of {rounds}: until chats are forgotten")
                    await asyncio.sleep(2 * WAVE_SECONDS)
                note(f"Round {number} of {rounds}: {kind}")
                kept[kind].append(await load.phase(kind, seconds, rate))
        return {
            "model": whole.spec.name,
            "rounds": rounds,
            "seconds": seconds,
            "chats_per_second": rate,
            "phases": {kind: [asdict(phase) for phase in phases] for kind, phases in kept.items()},
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 1 when it could not be measured, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="headrace bench mixed", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is the standard output")
    parser.add_argument("--quick", action="store_true", help="less of everything: a look, not a measurement")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json == "-", highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    before = machine.load()
    try:
        with Whole() as whole:
            with console.status("Starting Headrace"):
                whole.start()
            first = machine.moment(whole.pid)
            with console.status("Measuring") as status:
                found = asyncio.run(
                    measure(
                        whole,
                        rounds=QUICK_ROUNDS if options.quick else ROUNDS,
                        seconds=QUICK_SECONDS if options.quick else SECONDS,
                        note=status.update,
                    )
                )
            noise = machine.noise_between(first, machine.moment(whole.pid))
    except (BenchmarkFailed, ClusterError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has been ended.")
        return 130
    found["machine"] = {**machine.describe(), "before": before, "during": asdict(noise)}
    show(found, console)
    keep(found, options.json)
    return 0


def compared(found: dict[str, Any]) -> tuple[Interval, Interval]:
    """The chats' p99 first token, both / alone; all tokens a second, both / backlog alone; round by round.

    Raises BenchmarkFailed where a chat had no first token: its wait has no end, and so has the ratio.
    """
    phases = found["phases"]
    slowest = {
        kind: [percentile(sorted(phase["firsts"]), 0.99) for phase in phases[kind]]
        for kind in ("chat alone", "both")
    }
    if any(math.isinf(value) for values in slowest.values() for value in values):
        raise BenchmarkFailed("Chats had no first token; see the errors.")
    speeds = {
        kind: [(phase["chat_tokens"] + phase["batch_tokens"]) / phase["seconds"] for phase in phases[kind]]
        for kind in ("backlog alone", "both")
    }
    return (
        bootstrap(ratios(slowest["both"], slowest["chat alone"])),
        bootstrap(ratios(speeds["both"], speeds["backlog alone"])),
    )


def show(found: dict[str, Any], console: Console) -> None:
    """Print everything."""
    table = Table(
        title=f"{found['model']}, {found['rounds']} rounds of {found['seconds']:.0f} s, "
        f"{found['chats_per_second']:.2f} chats a second, a backlog of {BACKLOG}",
        title_justify="left",
        box=None,
    )
    for column in ("", "chats", "first token p50 ms", "p99 ms", "chats' tokens/s", "backlog's", "errors"):
        table.add_column(column, justify="left" if not column else "right")
    for kind, phases in found["phases"].items():
        firsts = sorted(first for phase in phases for first in phase["firsts"])
        seconds = sum(phase["seconds"] for phase in phases)
        table.add_row(
            kind,
            str(len(firsts)),
            f"{statistics.median(firsts):.0f}" if firsts else "-",
            f"{percentile(firsts, 0.99):.0f}" if firsts else "-",
            f"{sum(phase['chat_tokens'] for phase in phases) / seconds:.1f}",
            f"{sum(phase['batch_tokens'] for phase in phases) / seconds:.1f}",
            str(sum(len(phase["errors"]) for phase in phases)),
        )
    console.print(table)
    try:
        first, tokens = compared(found)
    except BenchmarkFailed as error:
        console.print(f"[bold red]{error}[/]")
    else:
        quick = first.median <= FIRST_RATIO
        busy = tokens.median >= TOKENS_RATIO
        for title, interval, met in (
            (f"p99 first token of chats, both / alone, <= {FIRST_RATIO}", first, quick),
            (f"tokens a second, both / backlog alone, >= {TOKENS_RATIO}", tokens, busy),
        ):
            console.print(
                f"G4: {title}: {interval.median:.3f} [{interval.low:.3f}, {interval.high:.3f}], "
                f"{'met' if met else 'not met'}"
            )
    for phases in found["phases"].values():
        for phase in phases:
            for said in phase["errors"][:3]:
                console.print(f"  {said}", style="red", markup=False)
    if machine.Noise(**found["machine"]["during"]).too_noisy:
        console.print("[yellow]The machine was too noisy to judge times by; measure again when it rests.[/]")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
