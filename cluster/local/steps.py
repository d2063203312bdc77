"""Progress of long work, on a terminal and in a log file: what is done now, and how long each step took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Steps:
    """Prints one line a step when it is done; while it runs, a spinner says what it is at."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = None
        self._title = ""

    @contextmanager
    def step(self, title: str) -> Iterator["Steps"]:
        """One step; it is shown as done unless the block raises."""
        began = time.monotonic()
        self._title = title
        if not self.console.is_terminal:
            self.console.print(f"[dim]…[/] {escape(title)}")
        with self.console.status(escape(title)) as status:
            self._status = status
            try:
                yield self
            finally:
                self._status = None
        self.done(title, time.monotonic() - began)

    def detail(self, text: str) -> None:
        """What the running step is at; only the last one is shown."""
        if self._status is not None:
            self._status.update(f"{escape(self._title)} [dim]{escape(text[-100:])}[/]")

    def done(self, title: str, seconds: float) -> None:
        """A line for something that is finished."""
        self.console.print(f"[green]✓[/] {escape(title)} [dim]{seconds:.1f} s[/]")

    def note(self, text: str) -> None:
        """A line that is neither good nor bad."""
        self.console.print(f"[yellow]•[/] {escape(text)}")
