"""Nodes with GPUs come and go with the load, and replicas with them: Ray's own autoscaler, on fake nodes."""

import asyncio
import csv
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.postgres import Postgres
from tests.drills.conftest import Note
from tests.drills.instance import Instance
from tests.drills.operator import Operator, can_be_asked, operating

pytestmark = [pytest.mark.drill, pytest.mark.cluster, pytest.mark.timeout(900)]

MOST = 3
USERS = 8
LOAD_SECONDS = 60
# Until the last node has gone: replicas first, then nodes that were idle for half a minute.
GOES_SECONDS = 240.0
LOCUSTFILE = Path(__file__).parents[2] / "benchmarks" / "locustfile.py"


@dataclass
class Seen:
    """The most there were of both, and seconds from the first request until the first replica."""

    replicas: int = 0
    nodes: int = 0
    first: float | None = None


def nodes_of(instance: Instance) -> int:
    """Ray's nodes that belong to this instance: each has a raylet, which carries the instance's folder."""
    wanted = f"HEADRACE_VAR_DIR={instance.environment['HEADRACE_VAR_DIR']}".encode()
    found = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().split(b"\0")[0].endswith(b"/raylet"):
                found += wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            # It ended while we looked.
            continue
    return found


async def watch(operator: Operator, instance: Instance, seen: Seen) -> None:
    began = time.monotonic()
    while True:
        seen.replicas = max(seen.replicas, now := (await operator.revision("r1"))["replicas"])
        seen.nodes = max(seen.nodes, nodes_of(instance))
        if now and seen.first is None:
            seen.first = time.monotonic() - began
        await asyncio.sleep(1)


async def until_alone(instance: Instance) -> float:
    """Seconds until only the head is left."""
    began = time.monotonic()
    async with asyncio.timeout(GOES_SECONDS):
        while nodes_of(instance) > 1:  # noqa: ASYNC110 - nobody tells when a process ends
            await asyncio.sleep(1)
    return time.monotonic() - began


def counted(figures: Path) -> tuple[int, int]:
    """Requests and failures, as Locust wrote them. Its lines of other kinds are times, not requests."""
    rows = [row for row in csv.DictReader(figures.read_text().splitlines()) if row["Type"] in ("GET", "POST")]
    return sum(int(row["Request Count"]) for row in rows), sum(int(row["Failure Count"]) for row in rows)


async def test_nodes_and_replicas_follow_the_load(
    instance: Instance, database: Postgres, note: Note, tmp_path: Path
) -> None:
    locust = os.environ["HEADRACE_LOCUST"]
    async with operating(instance, database, "scaled") as operator:
        await operator.add(
            "r1",
            replicas={
                "min": 0,
                "max": MOST,
                "target_ongoing_requests": 2,
                "upscale_delay_s": 1,
                "downscale_delay_s": 5,
                "drain_timeout_s": 20,
            },
            resources={"cpus": 1, "gpus": 1},
            simulated={"ttft_ms": 20, "token_ms": 20},
        )
        await operator.deploy("r1", replicas=0)
        assert nodes_of(instance) == 1, "only the head before anybody asks"
        await can_be_asked(operator.person, "scaled")
        seen = Seen()
        watching = asyncio.create_task(watch(operator, instance, seen))
        figures = tmp_path / "load"
        load = await asyncio.create_subprocess_exec(
            locust,
            *("-f", str(LOCUSTFILE), "--headless", "--only-summary", "--exit-code-on-error", "0"),
            *("-u", str(USERS), "-r", "4", "-t", f"{LOAD_SECONDS}s", "--stop-timeout", "60"),
            *("--host", instance.url, "--csv", str(figures)),
            env={"PATH": os.environ["PATH"], "HEADRACE_BENCH_MODEL": "scaled"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await load.communicate()
        assert load.returncode == 0, said.decode()[-2000:]
        gone = await until_alone(instance)
        watching.cancel()
        requests, failures = counted(Path(f"{figures}_stats.csv"))
        note(f"{USERS} users of the locustfile for {LOAD_SECONDS} s: {requests} requests, {failures} failed")
        note(
            f"first replica, on a node that was not there, after {seen.first:.0f} s; at most {seen.replicas} "
            f"replicas on {seen.nodes - 1} nodes beside the head; the last node left after {gone:.0f} s"
        )
        assert failures == 0
        assert requests > 50
        assert seen.replicas == MOST
        assert seen.nodes == MOST + 1
        assert (await operator.revision("r1"))["replicas"] == 0
