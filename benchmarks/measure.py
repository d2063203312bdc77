"""One block of requests after the other, and what each cost."""

import base64
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks import cpu
from benchmarks.errors import BenchmarkFailed
from benchmarks.process import Process
from benchmarks.scenarios import Scenario
from benchmarks.stack import Target

# Bookings are written within this time after their request; they belong to it.
SETTLE_SECONDS: Final = 0.3
_VARIABLE: Final = re.compile(rb'"(id|created)":("[^"]*"|\d+)')


@dataclass(frozen=True, slots=True)
class Percentiles:
    """In milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Block:
    """What one block of requests to one target showed.

    Attributes:
        cpu: of the target's process; `engine_us` and `client_us` of the other two, in microseconds.
        first: time to the first byte of a body; `gap`: time between two chunks of a stream.
        reads: how often the client found something to read.
    """

    scenario: Scenario
    target: str
    requests: int
    errors: int
    said: tuple[str, ...]
    tokens: int
    reads: int
    wall_s: float
    latency: Percentiles | None
    first: Percentiles | None
    gap: Percentiles | None
    cpu: cpu.Cpu
    engine_us: float
    client_us: float

    @property
    def cpu_per_request_us(self) -> float:
        return self.cpu.total_us / self.requests if self.requests else 0.0

    @property
    def cpu_per_chunk_us(self) -> float:
        """Everything the stream cost, its request included, for each token that the usage counts."""
        return self.cpu.total_us / self.tokens if self.tokens else 0.0

    @property
    def busy(self) -> float:
        """Which part of one core the target used."""
        return self.cpu.total_us / (self.wall_s * 1e6) if self.wall_s else 0.0

    @property
    def around_busy(self) -> float:
        """How many cores engine and client used together."""
        return (self.engine_us + self.client_us) / (self.wall_s * 1e6) if self.wall_s else 0.0


class LoadGenerator:
    """The client process, from our side."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(
        self,
        scenario: Scenario,
        target: Target,
        *,
        seconds: float,
        length: int | None,
        keep: bool = False,
        before: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """One block; `before` is called when all connections are warm. Raises BenchmarkFailed."""
        job = {
            "port": target.port,
            "request": base64.b64encode(target.request(scenario.body())).decode(),
            "warm": base64.b64encode(target.request(scenario.warm())).decode(),
            "connections": scenario.connections,
            "stream": scenario.stream,
            "tokens": scenario.tokens,
            "length": length,
            "seconds": seconds,
            "keep": keep,
        }
        ready = self._ask(orjson.dumps(job))
        if "failed" in ready:
            raise BenchmarkFailed(f"{target.name} does not answer {scenario.name}: {ready['failed']}")
        before()
        return self._ask(b"go")

    def _ask(self, line: bytes) -> dict[str, Any]:
        pipes = self._process.popen
        assert pipes.stdin is not None and pipes.stdout is not None  # noqa: S101 - made with pipes
        pipes.stdin.write(line + b"\n")
        pipes.stdin.flush()
        text = pipes.stdout.readline()
        if not text:
            raise BenchmarkFailed(f"The load generator ended.{self._process.last_words()}")
        answer: dict[str, Any] = orjson.loads(text)
        return answer


def load_generator(log: Path, environment: dict[str, str]) -> Process:
    """The process for a LoadGenerator."""
    return Process(
        "the load generator",
        [sys.executable, "-m", "benchmarks.client"],
        log=log,
        env=environment,
        talk=True,
    )


class Measurement:
    """Runs blocks and remembers them.

    Args:
        targets: who is measured; "direct" first. A target may stand there twice, as a control.
        engine_pid: the engine's process.
    """

    def __init__(
        self, client: LoadGenerator, targets: Sequence[Target], engine_pid: int, *, seed: int
    ) -> None:
        self._client = client
        self._targets = tuple(targets)
        self._engine_pid = engine_pid
        self._random = random.Random(seed)
        self._lengths: dict[tuple[str, str], int | None] = {}
        self.rounds: list[list[Block]] = []

    def compare_contents(self, scenario: Scenario) -> None:
        """Ask each target once. Raises BenchmarkFailed unless all give the engine's own words.

        A target that must be exact gives the engine's own bytes, but for the id and the time of making.
        """
        scenario = replace(scenario, connections=1)
        direct, *others = self._targets
        known = self._body(scenario, direct)
        self._lengths[scenario.kind, direct.name] = len(known)
        for target in others:
            body = self._body(scenario, target)
            self._lengths[scenario.kind, target.name] = len(body) if target.exact else None
            if target.exact and without_variables(body) != without_variables(known):
                raise BenchmarkFailed(f"{target.name} changes the content of {scenario.name}.")
            if words(body) != words(known):
                raise BenchmarkFailed(f"{target.name} changes the words of {scenario.name}.")

    def round(
        self, scenarios: Sequence[Scenario], seconds: float, note: Callable[[str], None]
    ) -> list[Block]:
        """Every scenario with every target once, in a random order; returned, not kept."""
        order = list(scenarios)
        self._random.shuffle(order)
        blocks = []
        for scenario in order:
            targets = [target for target in self._targets if scenario.connections <= target.most]
            self._random.shuffle(targets)
            for target in targets:
                note(f"{scenario.name}, {target.name}")
                blocks.append(self._block(scenario, target, seconds))
        return blocks

    def _block(self, scenario: Scenario, target: Target, seconds: float) -> Block:
        pids = (target.pid, self._engine_pid, self._client.pid)
        before: list[cpu.Cpu] = []
        answer = self._client.run(
            scenario,
            target,
            seconds=seconds,
            length=self._lengths[scenario.kind, target.name],
            before=lambda: before.extend(cpu.of_tree(pid) for pid in pids),
        )
        time.sleep(SETTLE_SECONDS)
        used = [cpu.of_tree(pid) - earlier for pid, earlier in zip(pids, before, strict=True)]
        return Block(
            scenario=scenario,
            target=target.name,
            requests=answer["requests"],
            errors=answer["errors"],
            said=tuple(answer["said"]),
            tokens=answer["tokens"],
            reads=answer["reads"],
            wall_s=answer["wall_s"],
            latency=_percentiles(answer["latency_ms"]),
            first=_percentiles(answer["first_ms"]),
            gap=_percentiles(answer["gap_ms"]),
            cpu=used[0],
            engine_us=used[1].total_us,
            client_us=used[2].total_us,
        )

    def _body(self, scenario: Scenario, target: Target) -> bytes:
        answer = self._client.run(scenario, target, seconds=0.0, length=None, keep=True)
        if answer["errors"]:
            raise BenchmarkFailed(f"{target.name} fails at {scenario.name}: {'; '.join(answer['said'])}")
        return base64.b64decode(answer["body"])


def without_variables(body: bytes) -> bytes:
    """An answer without the id and the time that each has for itself."""
    return _VARIABLE.sub(rb'"\1":-', body)


def words(body: bytes) -> str:
    """The text of an answer, streamed or whole."""
    if not body.startswith(b"data:"):
        return str(orjson.loads(body)["choices"][0]["message"]["content"])
    pieces = []
    for frame in body.split(b"\n\n"):
        if frame.startswith(b"data: {"):
            for choice in orjson.loads(frame[6:])["choices"]:
                pieces.append(choice["delta"].get("content") or "")
    return "".join(pieces)


def _percentiles(found: dict[str, float] | None) -> Percentiles | None:
    return Percentiles(found["p50"], found["p99"]) if found else None
