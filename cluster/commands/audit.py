"""`headrace audit`: whether somebody has changed the audit log."""

import asyncio

import typer
from rich.console import Console

from auth.audit.service import Verdict
from auth.command_line import audit_for_command_line
from cluster.local.errors import ClusterError
from cluster.local.instance_settings import instance_settings
from core.errors import HeadraceError
from core.log import configure_logging
from core.settings import Settings


def verify() -> None:
    """Read all of it and say what is wrong; exit status 1 where something is. Raises ClusterError."""
    configure_logging("command-line", "ERROR", "text")
    settings = instance_settings()
    try:
        verdict = asyncio.run(_verify(settings))
    except HeadraceError as error:
        raise ClusterError(error.detail) from error
    console = Console(highlight=False)
    if verdict.fault is not None:
        console.print(f"[red]The audit log was changed.[/red] {verdict.fault}")
        raise typer.Exit(1)
    console.print(f"{verdict.events} events, compared with {verdict.anchors} anchors: nothing was changed.")


async def _verify(settings: Settings) -> Verdict:
    async with audit_for_command_line(settings) as audit:
        return await audit.verify()
