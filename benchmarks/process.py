"""One child process of the benchmark: started, awaited, and always ended."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import cpu
from benchmarks.errors import BenchmarkFailed

REPOSITORY = Path(__file__).resolve().parents[1]
STOP_SECONDS = 25.0
LAST_BYTES = 2_000


class Process:
    """A running child.

    Args:
        name: for messages.
        cores: where it may run; None leaves that to the system.
        log: what it says goes there; its standard output too unless `talk` is set, which gives us pipes.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        cores: Sequence[int] | None = None,
        talk: bool = False,
    ) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                argv,
                cwd=REPOSITORY,
                env=dict(env),
                stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talk else output,
                stderr=output,
                start_new_session=True,
            )
        if cores is not None:
            cpu.pin(self.popen.pid, cores)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Ask `ready` until it says so. Raises BenchmarkFailed when the process ends or time is over."""
        until = time.monotonic() + seconds
        while not ready():
            if self.popen.poll() is not None:
                raise BenchmarkFailed(
                    f"{self.name} ended with status {self.popen.returncode}.{self.last_words()}"
                )
            if time.monotonic() > until:
                raise BenchmarkFailed(f"{self.name} is not ready after {seconds:.0f} s.{self.last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end; make it end."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()

    def last_words(self) -> str:
        """The end of what it wrote, on lines of its own; empty when it said nothing."""
        text = self._log.read_bytes()[-LAST_BYTES:].decode(errors="replace").strip()
        return f" It said:\n{text}" if text else ""
