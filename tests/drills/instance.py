"""A running Headrace as a drill sees it: its gateway processes, what they log and count, and more of them."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import aiohttp
import httpx

from cluster.local import ports
from cluster.local.plan import load_plan
from cluster.local.service import State
from cluster.local.stack import command_line_environment, gateways, metrics_of
from cluster.local.state import Entry, read_state
from tests.stack.books import settled_differences
from tests.stack.conftest import ROOT, Stack


class Instance:
    """What `./headrace up` started, and what a drill may do to it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.url = stack.url
        self._var = stack.var
        plan = load_plan(self._var.plan_file)
        assert plan is not None
        self.gateways = gateways(plan)
        self.environment = command_line_environment(plan, self._var)

    def services(self) -> dict[str, Entry]:
        """What the supervisor knows now."""
        snapshot = read_state(self._var.state_file)
        assert snapshot is not None
        return {entry.service: entry for entry in snapshot.services}

    def living(self) -> dict[str, int]:
        """The gateway processes that there are now, starting ones too."""
        entries = self.services()
        return {name: pid for name in self.gateways if (pid := entries[name].pid) is not None and _lives(pid)}

    def ready(self) -> set[str]:
        """The gateways that take requests, as far as the supervisor knows."""
        entries = self.services()
        return {name for name in self.living() if entries[name].state is State.READY}

    async def all_ready(self, seconds: float = 120) -> None:
        """Returns when every gateway takes requests."""
        async with asyncio.timeout(seconds):
            while self.ready() != set(self.gateways):  # noqa: ASYNC110 - another process changes it
                await asyncio.sleep(0.2)

    def kill(self, pid: int, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(pid, number)

    def metrics_port(self, gateway: str) -> int:
        """Where a gateway tells of itself."""
        found: dict[str, int] = json.loads((self._var.run / "ports.json").read_text())
        return found[metrics_of(gateway)]

    def turns_running(self, gateway: str) -> int:
        """How many turns a gateway runs, as it says itself."""
        told = httpx.get(f"http://127.0.0.1:{self.metrics_port(gateway)}/metrics", timeout=10).text
        found = re.search(r"^headrace_turns_running (\S+)$", told, re.MULTILINE)
        assert found is not None
        return int(float(found[1]))

    async def settled_differences(self, model: str, seconds: float = 120) -> dict[str, float]:
        """The engines' counters less the ledger, once nothing moves any more."""
        return await asyncio.to_thread(settled_differences, self.stack, model, seconds)

    def take_overs(self, since: float) -> list[tuple[float, str]]:
        """When turns were taken over since then, in seconds since the epoch, and from which runner."""
        found = []
        for name in self.gateways:
            for line in (self._var.logs / f"{name}.log").read_text().splitlines():
                if '"turn.taken_over"' in line:
                    told = json.loads(line)
                    moment = datetime.fromisoformat(told["timestamp"]).timestamp()
                    if moment >= since:
                        found.append((moment, str(told["runner"])))
        return sorted(found)

    @asynccontextmanager
    async def another_gateway(
        self, settings: Mapping[str, str] | None = None, *, own_address: bool = False
    ) -> AsyncIterator[str]:
        """One more gateway process beside those of the instance, on a port of its own; its address.

        Args:
            own_address: whether that is also the address that people type; tokens then count at it alone.
        """
        port = ports.free_port()
        environment = {
            **self.environment,
            "HEADRACE_PORT": str(port),
            "HEADRACE_METRICS_PORT": "0",
            "HEADRACE_REQUESTS_PER_MINUTE": "100000",
            # What is served is not its business.
            "HEADRACE_MODELS": "",
            **({"HEADRACE_PUBLIC_URL": f"http://localhost:{port}"} if own_address else {}),
            **(settings or {}),
        }
        log = self._var.logs / f"drill-{port}.log"
        process = _start_gateway(environment, log)
        try:
            url = f"http://localhost:{port}"
            await _answers(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _start_gateway(environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )


async def _answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    async with aiohttp.ClientSession() as client:
        while time.monotonic() < until:
            assert process.poll() is None, f"it ended; see {log}"
            if await _is_ready(client, url):
                return
            await asyncio.sleep(0.2)
    raise AssertionError(f"{url} was not ready in time; see {log}")


async def _is_ready(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(f"{url}/readyz") as response:
            models = (await response.json())["models"]
    except aiohttp.ClientError:
        return False
    return response.status == 200 and "ready" in models.values()


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
