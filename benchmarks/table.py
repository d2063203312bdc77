"""The report as tables on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.report import AGAIN, interval_text

TEXT_COLUMNS = ("scenario", "target", "goal", "what", "note", "")
PLAIN_COLUMNS = (
    "scenario",
    "target",
    "p50 ms",
    "p99 ms",
    "requests/s",
    "CPU us/request",
    "kernel",
    "engine us",
    "client us",
)
STREAM_COLUMNS = (
    "scenario",
    "target",
    "first ms",
    "gap p50",
    "gap p99",
    "chunks/s",
    "CPU us/chunk",
    "kernel",
    "busy",
    "chunks/read",
)


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print everything."""
    console.print(_plain(report))
    console.print(_streams(report))
    console.print(_against(report))
    console.print(_goals(report))
    idle = report["idle"]["gateway_cpu_ms_per_second"]
    console.print(f"The idle gateway uses {idle:.1f} ms of CPU a second, which is contained in its figures.")
    during = report["load"]["during"]
    averages = ", ".join(f"{value:.2f}" for value in report["load"]["before"]["averages"])
    console.print(f"Load averages before: {averages}.")
    console.print(
        f"While measuring, others used {during['others']:.0%} of the cores, the host {during['stolen']:.1%}."
    )
    if report["noisy"]:
        console.print(
            "[bold yellow]The machine was too noisy to judge times by; measure again when it rests.[/]"
        )
    if report["errors"]:
        console.print(f"[bold red]{report['errors']} requests failed: these figures are void.[/]")
        for said in report["said"]:
            console.print(f"  {said}", markup=False)


def _plain(report: Mapping[str, Any]) -> Table:
    table = _table(
        "Answers in one piece",
        *PLAIN_COLUMNS,
    )
    for item in report["scenarios"]:
        if item["stream"]:
            continue
        for index, (name, figures) in enumerate(item["targets"].items()):
            latency = figures["latency_ms"]
            table.add_row(
                item["name"] if index == 0 else "",
                name,
                _number(latency and latency["p50"], 2),
                _number(latency and latency["p99"], 2),
                _number(figures["requests_per_second"], 0),
                _number(figures["cpu_per_request_us"], 0),
                f"{figures['kernel_share']:.0%}",
                _number(figures["engine_cpu_per_request_us"], 0),
                _number(figures["client_cpu_per_request_us"], 0),
                end_section=index == len(item["targets"]) - 1,
            )
    return table


def _streams(report: Mapping[str, Any]) -> Table:
    table = _table(
        "Streams of 256 chunks",
        *STREAM_COLUMNS,
    )
    for item in report["scenarios"]:
        if not item["stream"]:
            continue
        for index, (name, figures) in enumerate(item["targets"].items()):
            first, gap = figures["first_ms"], figures["gap_ms"]
            table.add_row(
                item["name"] if index == 0 else "",
                name,
                _number(first and first["p50"], 2),
                _number(gap and gap["p50"], 2),
                _number(gap and gap["p99"], 2),
                _number(figures["tokens_per_second"], 0),
                _number(figures["cpu_per_chunk_us"], 1),
                f"{figures['kernel_share']:.0%}",
                f"{figures['busy']:.0%}",
                _number(figures["chunks_per_read"], 1),
                end_section=index == len(item["targets"]) - 1,
            )
    return table


def _against(report: Mapping[str, Any]) -> Table:
    peer = report["peer"]
    names = [AGAIN, *([peer["name"]] if peer else [])]
    table = _table(
        "Our CPU against theirs: median of the rounds, 95% interval",
        "scenario",
        *(f"/ {name}" for name in names),
        "added p50 ms",
        "added gap p99 ms",
    )
    for item in report["scenarios"]:
        gap = item.get("added_gap_p99_ms")
        table.add_row(
            item["name"],
            *(interval_text(item["ratios"].get(name)) for name in names),
            interval_text(item["added_latency_p50_ms"], 2),
            interval_text(gap["gateway"] if gap else None, 2),
        )
    return table


def _goals(report: Mapping[str, Any]) -> Table:
    table = _table("Goals", "goal", "what", "limit", "measured", "", "note")
    for goal in report["goals"]:
        met, measured = goal["met"], goal["measured"]
        verdict = "cannot tell" if met is None else ("[green]met[/]" if met else "[red]not met[/]")
        table.add_row(
            goal["goal"],
            goal["what"],
            f"{goal['limit']:g} {goal['unit']}",
            "-" if measured is None else f"{measured:.3f} {goal['unit']}",
            verdict if measured is None else f"{verdict}: {goal['of_limit']:.0%} of the limit",
            goal["note"],
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in TEXT_COLUMNS else "right")
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
