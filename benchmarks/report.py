"""From blocks to a report: medians, ratios side by side, and how the goals stand."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from benchmarks.intervals import Interval, bootstrap, ratios
from benchmarks.measure import Block, Percentiles
from benchmarks.scenarios import Scenario

DIRECT: Final = "direct"
OURS: Final = "gateway"
AGAIN: Final = "gateway again"

# The goals, in their own units; README.md says what they mean.
REQUEST_MS: Final = 1.0
REQUEST_RATIO: Final = 0.10
CHUNK_US: Final = 15.0
CHUNK_RATIO: Final = 0.06
GAP_MS: Final = 1.0
HALF: Final = 0.5
# More than this of the core that engine and client share, and waiting for it looks like the gateway's doing.
CROWDED: Final = 0.9


def scenarios(
    rounds: Sequence[Sequence[Block]], order: Sequence[Scenario], peer: str | None
) -> list[dict[str, Any]]:
    """Each scenario: every target's figures, and ours against the others'."""
    return [_scenario(scenario, rounds, peer) for scenario in order]


def goals(found: Sequence[dict[str, Any]], peer: str | None) -> list[dict[str, Any]]:
    """How each goal stands; `met` is None where this run cannot tell, and `note` says why."""
    plain = [item for item in found if not item["stream"]]
    bursts = [item for item in found if item["stream"] and item["pace_ms"] == 0]
    paced = [item for item in found if item["pace_ms"] > 0]

    def request_ms(item: dict[str, Any]) -> float:
        return float(item["targets"][OURS]["cpu_per_request_us"]) / 1000

    def chunk_us(item: dict[str, Any]) -> float:
        return float(item["targets"][OURS]["cpu_per_chunk_us"])

    def ratio(item: dict[str, Any]) -> float:
        return float(item["ratios"][peer]["median"])

    stood = [
        _worst("G1", "added CPU a request", "ms", REQUEST_MS, plain, request_ms),
        _worst("G2", "CPU a chunk in a burst", "us", CHUNK_US, bursts, chunk_us),
        _half_load(paced),
    ]
    if peer is not None:
        beside = [item for item in plain if peer in item["ratios"]]
        stood.insert(1, _worst("G1", f"CPU a request / {peer}'s", "", REQUEST_RATIO, beside, ratio))
        beside = [item for item in bursts if peer in item["ratios"]]
        stood.insert(3, _worst("G2", f"CPU a chunk / {peer}'s", "", CHUNK_RATIO, beside, ratio))
    return stood


def errors(rounds: Sequence[Sequence[Block]]) -> tuple[int, list[str]]:
    """How many requests were not answered as they must be, and what some of them got."""
    blocks = [block for blocks in rounds for block in blocks]
    said = [f"{block.target}, {block.scenario.name}: {text}" for block in blocks for text in block.said]
    return sum(block.errors for block in blocks), said[:10]


def _scenario(scenario: Scenario, rounds: Sequence[Sequence[Block]], peer: str | None) -> dict[str, Any]:
    everybody: dict[str, list[Block]] = {
        name: [
            block
            for blocks in rounds
            for block in blocks
            if block.scenario == scenario and block.target == name
        ]
        for name in (DIRECT, OURS, AGAIN, *([peer] if peer else []))
    }
    by_target = {name: blocks for name, blocks in everybody.items() if blocks}
    ours = by_target[OURS]

    def cost(block: Block) -> float:
        return block.cpu_per_chunk_us if scenario.stream else block.cpu_per_request_us

    against = {}
    for name in (AGAIN, peer):
        if name in by_target:
            pairs = ratios([cost(block) for block in ours], [cost(block) for block in by_target[name]])
            if pairs:
                against[name] = asdict(bootstrap(pairs))
    result = {
        **asdict(scenario),
        "targets": {name: _figures(blocks) for name, blocks in by_target.items()},
        "ratios": against,
        "added_latency_p50_ms": _added(ours, by_target[DIRECT], lambda block: block.latency, "p50"),
    }
    if scenario.pace_ms > 0:
        result["added_gap_p99_ms"] = {
            name: _added(blocks, by_target[DIRECT], lambda block: block.gap, "p99")
            for name, blocks in by_target.items()
            if name != DIRECT
        }
    return result


def _figures(blocks: Sequence[Block]) -> dict[str, Any]:
    """Medians over the rounds."""

    def median(value: Callable[[Block], float]) -> float:
        return statistics.median(value(block) for block in blocks)

    def times(value: Callable[[Block], Percentiles | None]) -> dict[str, float] | None:
        known = [found for block in blocks if (found := value(block)) is not None]
        if not known:
            return None
        return {
            "p50": statistics.median(item.p50 for item in known),
            "p99": statistics.median(item.p99 for item in known),
        }

    return {
        "requests": sum(block.requests for block in blocks),
        "requests_per_second": median(lambda block: block.requests / block.wall_s),
        "tokens_per_second": median(lambda block: block.tokens / block.wall_s),
        "latency_ms": times(lambda block: block.latency),
        "first_ms": times(lambda block: block.first),
        "gap_ms": times(lambda block: block.gap),
        "cpu_per_request_us": median(lambda block: block.cpu_per_request_us),
        "cpu_per_chunk_us": median(lambda block: block.cpu_per_chunk_us),
        "kernel_share": median(lambda block: block.cpu.kernel_share),
        "busy": median(lambda block: block.busy),
        "engine_cpu_per_request_us": median(lambda block: block.engine_us / max(1, block.requests)),
        "client_cpu_per_request_us": median(lambda block: block.client_us / max(1, block.requests)),
        "around_busy": median(lambda block: block.around_busy),
        "chunks_per_read": median(lambda block: block.tokens / max(1, block.reads)),
    }


def _added(
    ours: Sequence[Block], direct: Sequence[Block], value: Callable[[Block], Percentiles | None], which: str
) -> dict[str, float] | None:
    """What we add to a percentile, round by round, in milliseconds."""
    differences = []
    for mine, other in zip(ours, direct, strict=True):
        one, two = value(mine), value(other)
        if one is not None and two is not None:
            differences.append(getattr(one, which) - getattr(two, which))
    return asdict(bootstrap(differences)) if differences else None


def _worst(
    goal: str,
    what: str,
    unit: str,
    limit: float,
    found: Sequence[dict[str, Any]],
    value: Callable[[dict[str, Any]], float],
) -> dict[str, Any]:
    worst = max(found, key=value, default=None)
    if worst is None:
        return _goal(goal, what, unit, limit, None, "not measured")
    return _goal(goal, what, unit, limit, value(worst), f"worst of {len(found)}: {worst['name']}")


def _half_load(paced: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """At the number of streams that keeps the gateway closest to half busy."""
    what = "p99 added between two tokens"

    def busy(item: dict[str, Any]) -> float:
        return float(item["targets"][OURS]["busy"])

    nearest = min(paced, key=lambda item: abs(busy(item) - HALF), default=None)
    if nearest is None or nearest["added_gap_p99_ms"][OURS] is None:
        return _goal("G2", what, "ms", GAP_MS, None, "not measured")
    added = nearest["added_gap_p99_ms"][OURS]["median"]
    note = f"{nearest['name']}, gateway {busy(nearest):.0%} busy"
    crowd = nearest["targets"][OURS]["around_busy"]
    if crowd > CROWDED:
        return _goal("G2", what, "ms", GAP_MS, None, f"{note}; engine and client use {crowd:.2f} cores")
    return _goal("G2", what, "ms", GAP_MS, added, note)


def _goal(goal: str, what: str, unit: str, limit: float, measured: float | None, note: str) -> dict[str, Any]:
    return {
        "goal": goal,
        "what": what,
        "unit": unit,
        "limit": limit,
        "measured": measured,
        "met": None if measured is None else measured <= limit,
        "of_limit": None if measured is None else measured / limit,
        "note": note,
    }


def interval_text(interval: dict[str, float] | Interval | None, digits: int = 3) -> str:
    """`median [low, high]`, or a dash."""
    if interval is None:
        return "-"
    known = interval if isinstance(interval, dict) else asdict(interval)
    return f"{known['median']:.{digits}f} [{known['low']:.{digits}f}, {known['high']:.{digits}f}]"
