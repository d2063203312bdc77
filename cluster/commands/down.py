"""`headrace down`: end every process of this instance."""

import time

from rich.console import Console

from cluster.local.directory import var_directory
from cluster.local.stop import stop


def down() -> None:
    """Ends within 30 s; saying that there was nothing to end is no error."""
    console = Console(highlight=False)
    began = time.monotonic()
    with console.status("Ending everything"):
        was_up = stop(var_directory())
    if was_up:
        console.print(f"Headrace is down [dim]({time.monotonic() - began:.1f} s)[/].")
    else:
        console.print("Headrace was not up.")
