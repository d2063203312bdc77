"""What it costs to know who is calling: `python -m benchmarks.auth`, or `./headrace bench auth`.

The processor time of a sign-in, of a refresh, and of an authorised request beside an open one; and how much
longer the gaps of running streams get while many people sign in. README.md says how to read it.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import cpu, machine
from benchmarks.errors import BenchmarkFailed
from benchmarks.intervals import bootstrap, percentile
from benchmarks.scenarios import MODEL
from benchmarks.stack import Stack
from cluster.local.errors import ClusterError

ROUNDS: Final = 8
QUICK_ROUNDS: Final = 2
REQUESTS: Final = 400
REFRESHES: Final = 100
LOGINS: Final = 20
LOGINS_PER_SECOND: Final = 50
STREAMS: Final = 16
STORM_SECONDS: Final = 5.0
QUICK_STORM_SECONDS: Final = 1.5
TOKEN_MS: Final = 20.0
# Goals: microseconds that an authorised request adds, and how much longer the p99 gap may get in a storm.
ADDED_US: Final = 60.0
GAP_RATIO: Final = 1.2
SETTLE_SECONDS: Final = 0.3

Act = Callable[[], Awaitable[None]]


class Client:
    """One person with one kept connection."""

    def __init__(self, http: aiohttp.ClientSession, credentials: dict[str, str]) -> None:
        self._http = http
        self._credentials = credentials
        self._access = ""
        self._refresh = ""

    async def login(self) -> None:
        self._keep(await self._post("/api/auth/login", self._credentials))

    async def refresh(self) -> None:
        self._keep(await self._post("/api/auth/refresh", {"refresh_token": self._refresh}))

    async def authorised(self) -> None:
        """A list that the process has at hand, for whoever is signed in."""
        await self._get("/api/models", {"authorization": f"Bearer {self._access}"})

    async def open(self) -> None:
        """A list that the process has at hand, for anybody."""
        await self._get("/.well-known/jwks.json", {})

    def _keep(self, said: dict[str, Any]) -> None:
        self._access, self._refresh = said["access_token"], said["refresh_token"]

    async def _get(self, path: str, headers: dict[str, str]) -> None:
        async with self._http.get(path, headers=headers) as response:
            body = await response.read()
            if response.status != 200:
                raise BenchmarkFailed(f"{path} answered {response.status}: {body[:200]!r}")

    async def _post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        async with self._http.post(path, json=body) as response:
            answer = await response.read()
            if response.status != 200:
                raise BenchmarkFailed(f"{path} answered {response.status}: {answer[:200]!r}")
            said: dict[str, Any] = orjson.loads(answer)
            return said


async def measure(stack: Stack, *, quick: bool) -> dict[str, Any]:
    """Everything, one after the other. Raises BenchmarkFailed."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    async with aiohttp.ClientSession(f"http://127.0.0.1:{stack.ours.port}") as http:
        credentials = await _register(http)
        client = Client(http, credentials)
        await client.login()
        costs = await _costs(stack, client, rounds, REQUESTS // (4 if quick else 1))
        seconds = QUICK_STORM_SECONDS if quick else STORM_SECONDS
        storm = await _storms(stack, http, credentials, rounds, seconds)
    return {"costs": costs, "storm": storm}


async def _register(http: aiohttp.ClientSession) -> dict[str, str]:
    credentials = {"email": f"{secrets.token_hex(8)}@example.org", "password": secrets.token_urlsafe(24)}
    async with http.post("/api/auth/register", json={**credentials, "name": "Bench"}) as response:
        if response.status != 202:
            raise BenchmarkFailed(f"Registering answered {response.status}.")
    return credentials


async def _costs(stack: Stack, client: Client, rounds: int, requests: int) -> dict[str, Any]:
    """Microseconds of the gateway's processor for each kind of request."""
    kinds: dict[str, tuple[Act, int]] = {
        "open": (client.open, requests),
        "open again": (client.open, requests),
        "authorised": (client.authorised, requests),
        "refresh": (client.refresh, REFRESHES),
        "login": (client.login, LOGINS),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    order = random.Random(rounds)
    for number in range(rounds + 1):
        for name in order.sample(list(kinds), len(kinds)):
            act, times = kinds[name]
            before = cpu.of_process(stack.ours.pid)
            for _ in range(times):
                await act()
            # What is written behind the answer belongs to it.
            await asyncio.sleep(SETTLE_SECONDS)
            used = (cpu.of_process(stack.ours.pid) - before).total_us / times
            if number > 0:
                found[name].append(used)
    added = [mine - other for mine, other in zip(found["authorised"], found["open"], strict=True)]
    control = [mine - other for mine, other in zip(found["open again"], found["open"], strict=True)]
    return {
        "us": {name: asdict(bootstrap(values)) for name, values in found.items()},
        "added_us": asdict(bootstrap(added)),
        "control_us": asdict(bootstrap(control)),
    }


async def _storms(
    stack: Stack, http: aiohttp.ClientSession, credentials: dict[str, str], rounds: int, seconds: float
) -> dict[str, Any]:
    """The p99 gap between two chunks of running streams, with and without people who sign in meanwhile."""
    calm: list[float] = []
    stormy: list[float] = []
    logins = 0
    for _ in range(rounds):
        calm.append(await _p99_gap(stack, http, seconds))
        async with _storm(http, credentials) as done:
            stormy.append(await _p99_gap(stack, http, seconds))
        logins += len(done)
    ratios = [mine / other for mine, other in zip(stormy, calm, strict=True)]
    return {
        "calm_ms": statistics.median(calm),
        "storm_ms": statistics.median(stormy),
        "ratio": asdict(bootstrap(ratios)),
        "logins_per_second": logins / (rounds * seconds),
    }


@contextlib.asynccontextmanager
async def _storm(http: aiohttp.ClientSession, credentials: dict[str, str]) -> AsyncIterator[list[float]]:
    """Sign-ins at a steady pace, whether or not earlier ones were answered; those that came through."""
    done: list[float] = []

    async def login() -> None:
        async with http.post("/api/auth/login", json=credentials) as response:
            await response.read()
            # 503: more wait than may; whoever signs in is asked to try again.
            if response.status == 200:
                done.append(time.perf_counter())
            elif response.status != 503:
                raise BenchmarkFailed(f"A sign-in answered {response.status}.")

    async def send() -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(login())
                await asyncio.sleep(1 / LOGINS_PER_SECOND)

    task = asyncio.create_task(send())
    try:
        yield done
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _p99_gap(stack: Stack, http: aiohttp.ClientSession, seconds: float) -> float:
    """Milliseconds, over all gaps of STREAMS streams of this length."""
    tokens = int(seconds * 1000 / TOKEN_MS)
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "[[long]] The river"}],
        "stream": True,
        "max_tokens": tokens,
        "ignore_eos": True,
    }
    headers = {"authorization": f"Bearer {stack.ours.token}"}

    async def follow() -> list[float]:
        times = []
        async with http.post("/v1/chat/completions", json=body, headers=headers) as response:
            if response.status != 200:
                raise BenchmarkFailed(f"A stream answered {response.status}.")
            async for _ in response.content.iter_any():
                times.append(time.perf_counter())
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    gaps = sorted(
        gap * 1000 for stream in await asyncio.gather(*(follow() for _ in range(STREAMS))) for gap in stream
    )
    return percentile(gaps, 0.99)


def show(found: dict[str, Any], console: Console) -> None:
    """The figures as a table, and which goals they meet."""
    table = Table("what", "CPU us of the gateway [95%]", title="Costs")
    for name, figures in found["costs"]["us"].items():
        table.add_row(name, _text(figures, 0))
    table.add_row("authorised less open", _text(found["costs"]["added_us"], 1))
    table.add_row("open again less open", _text(found["costs"]["control_us"], 1))
    console.print(table)
    storm = found["storm"]
    console.print(
        f"p99 gap of {STREAMS} streams: {storm['calm_ms']:.1f} ms, and {storm['storm_ms']:.1f} ms while "
        f"{storm['logins_per_second']:.0f} people a second sign in: {_text(storm['ratio'], 3)}"
    )
    for goal, median, bound in (
        ("an authorised request adds at most 60 us", found["costs"]["added_us"]["median"], ADDED_US),
        ("streams are at most 1.2 times slower in a storm", storm["ratio"]["median"], GAP_RATIO),
    ):
        console.print(f"{'met' if median <= bound else 'NOT met'}: {goal} ({median:.2f})")


def _text(figures: dict[str, float], digits: int) -> str:
    return f"{figures['median']:.{digits}f} [{figures['low']:.{digits}f}, {figures['high']:.{digits}f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 1 when it could not be measured, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="headrace bench auth", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is the standard output")
    parser.add_argument("--quick", action="store_true", help="less of everything: a look, not a measurement")
    parser.add_argument("--unpinned", action="store_true", help="leave the gateway's core to the system")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json == "-", highlight=False)
    before, first = machine.load(), machine.moment()
    try:
        with Stack(pinned=not options.unpinned, ttft_ms=0, token_ms=TOKEN_MS) as stack:
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
    if options.json == "-":
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif options.json:
        Path(options.json).write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
