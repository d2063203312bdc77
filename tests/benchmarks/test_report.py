"""From blocks to goals and tables."""

from dataclasses import replace
from io import StringIO
from typing import Any

from rich.console import Console

from benchmarks import report, table
from benchmarks.cpu import Cpu
from benchmarks.measure import Block, Percentiles
from benchmarks.scenarios import Scenario, burst, paced, plain

PEER = "litellm"
ORDER = (plain(1, 1), burst(16), paced(1), paced(16))
# Microseconds of CPU a request, by target.
COST = {report.DIRECT: 100.0, report.OURS: 400.0, report.AGAIN: 410.0, PEER: 10_000.0}


def block(scenario: Scenario, target: str, cost_us: float, gap_p99: float = 5.5) -> Block:
    requests = 100
    per_request = cost_us * (scenario.tokens / 16 if scenario.stream else 1)
    stream = scenario.stream
    return Block(
        scenario=scenario,
        target=target,
        requests=requests,
        errors=0,
        said=(),
        tokens=requests * scenario.tokens,
        reads=requests,
        wall_s=1.0,
        latency=Percentiles(1.0 + cost_us / 1000, 2.0),
        first=Percentiles(0.5, 0.9),
        gap=Percentiles(5.0, gap_p99) if stream else None,
        cpu=Cpu(requests * per_request, requests * per_request / 4),
        engine_us=1_000.0,
        client_us=500.0,
    )


def rounds(number: int = 3) -> list[list[Block]]:
    return [
        [
            block(scenario, target, cost, 5.5 if target == report.DIRECT else 5.9)
            for scenario in ORDER
            for target, cost in COST.items()
        ]
        for _ in range(number)
    ]


def whole_report(blocks: list[list[Block]]) -> dict[str, Any]:
    found = report.scenarios(blocks, ORDER, PEER)
    failed, said = report.errors(blocks)
    return {
        "scenarios": found,
        "goals": report.goals(found, PEER),
        "errors": failed,
        "said": said,
        "peer": {"name": PEER, "version": "1"},
        "idle": {"gateway_cpu_ms_per_second": 4.0},
        "load": {"before": {"averages": [0.1, 0.2, 0.3]}, "during": {"others": 0.5, "stolen": 0.0}},
        "noisy": True,
    }


def shown(found: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=160)
    table.show(found, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def goal(found: dict[str, Any], what: str) -> dict[str, Any]:
    (one,) = [item for item in found["goals"] if what in item["what"]]
    return dict(one)


def test_costs_are_counted_for_each_request_and_each_token_of_the_usage() -> None:
    first, second, *_ = report.scenarios(rounds(), ORDER, PEER)
    assert first["targets"][report.OURS]["cpu_per_request_us"] == 400
    assert second["targets"][report.OURS]["cpu_per_chunk_us"] == 25
    assert first["targets"][report.OURS]["kernel_share"] == 0.25


def test_ratios_stand_beside_a_control_of_ours_against_ours() -> None:
    first, *_ = report.scenarios(rounds(), ORDER, PEER)
    assert first["ratios"][PEER] == {"median": 0.04, "low": 0.04, "high": 0.04}
    assert 0.97 < first["ratios"][report.AGAIN]["median"] < 0.98


def test_a_goal_is_met_or_not_and_by_how_much() -> None:
    found = whole_report(rounds())
    assert goal(found, "added CPU a request")["met"] is True
    assert goal(found, "added CPU a request")["of_limit"] == 0.4
    assert goal(found, "CPU a request / litellm")["met"] is True
    assert goal(found, "CPU a chunk in a burst")["met"] is False
    assert round(goal(found, "CPU a chunk in a burst")["of_limit"], 3) == 1.667
    assert goal(found, "CPU a chunk / litellm")["met"] is True


def test_the_gap_is_judged_where_the_gateway_is_closest_to_half_busy() -> None:
    blocks = [
        [
            replace(item, cpu=Cpu(480_000.0, 0.0))
            if item.scenario == ORDER[3] and item.target == report.OURS
            else item
            for item in one
        ]
        for one in rounds()
    ]
    found = goal(whole_report(blocks), "between two tokens")
    assert found["met"] is True
    assert round(found["measured"], 3) == 0.4
    assert "paced-16, gateway 48% busy" in found["note"]


def test_a_crowded_neighbourhood_gives_no_verdict_on_times() -> None:
    blocks = [[replace(item, engine_us=950_000.0) for item in one] for one in rounds()]
    found = goal(whole_report(blocks), "between two tokens")
    assert found["met"] is None
    assert "engine and client use 0.95 cores" in found["note"]


def test_without_a_peer_only_absolute_goals_are_judged() -> None:
    alone = [[item for item in one if item.target != PEER] for one in rounds()]
    found = report.goals(report.scenarios(alone, ORDER, None), None)
    assert [item["goal"] for item in found] == ["G1", "G2", "G2"]
    assert all(item["met"] is not None for item in found)


def test_an_error_makes_the_figures_void_and_is_shown() -> None:
    blocks = rounds()
    blocks[0][0] = replace(blocks[0][0], errors=2, said=("status 502: bad [gateway]",))
    found = whole_report(blocks)
    assert found["errors"] == 2
    text = shown(found)
    assert "2 requests failed: these figures are void." in text
    assert "direct, plain-1KB-1: status 502: bad [gateway]" in text


def test_the_tables_hold_every_scenario_target_and_goal() -> None:
    text = shown(whole_report(rounds()))
    for word in (*(scenario.name for scenario in ORDER), *COST, "G1", "G2", "not met: 167% of the limit"):
        assert word in text, word
    assert "0.040 [0.040, 0.040]" in text
    assert "too noisy" in text


def test_a_scenario_that_the_peer_is_spared_is_judged_without_it() -> None:
    blocks = [
        [item for item in one if not (item.target == PEER and item.scenario == ORDER[1])] for one in rounds()
    ]
    found = whole_report(blocks)
    assert PEER not in found["scenarios"][1]["targets"]
    assert goal(found, "CPU a chunk in a burst")["met"] is False
    assert goal(found, "CPU a chunk / litellm")["met"] is None
    assert "not measured" in shown(found)
