"""`headrace doctor`: every prerequisite and dependency, what is wrong with it, and what to do."""

from rich.console import Console
from rich.table import Table

from cluster.local.directory import var_directory
from cluster.local.examination import Finding, Verdict, examine

SHOWN = {
    Verdict.GOOD: "[green]good[/]",
    Verdict.NOTE: "[yellow]note[/]",
    Verdict.WRONG: "[red]wrong[/]",
}


def doctor() -> int:
    """Print the findings. Returns 1 when something is wrong, 0 when at most there is something to note."""
    console = Console(highlight=False)
    with console.status("Looking"):
        findings = examine(var_directory())
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("what", "", "found", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(finding.what, SHOWN[finding.verdict], finding.found, finding.to_do)
    console.print(table)
    wrong: list[Finding] = [finding for finding in findings if finding.verdict is Verdict.WRONG]
    console.print("[red]Something is wrong.[/]" if wrong else "[green]Nothing is wrong.[/]")
    return 1 if wrong else 0
