"""Where the steps of `headrace test` run: their logs, their environment, and the stack under test."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cluster.local import command, ports
from cluster.local.directory import REPOSITORY, VarDirectory
from cluster.local.plan import DEFAULT_MODEL
from cluster.local.secrets import load_or_create
from cluster.local.stack import OURS

START_SECONDS = 900.0
# A test registers and signs in more people in a minute than a house has.
LIMITS = {
    "HEADRACE_LOGINS_PER_MINUTE": "10000",
    "HEADRACE_REGISTRATIONS_PER_HOUR": "10000",
    "HEADRACE_REQUESTS_PER_MINUTE": "100000",
    # Of a service on loopback that the drills make; replicas read it from their environment.
    "DRILL_API_KEY": "sk-of-the-drill",
}
KEPT = ("HEADRACE_PYTHON", "HEADRACE_REQUIREMENTS")


class Bench:
    """One run of the tests. As a context manager it ends whatever stack is left.

    Attributes:
        browser: the Chromium that was found; None before.
    """

    def __init__(self, var: VarDirectory) -> None:
        self._logs = var.root / "test"
        self._stack: VarDirectory | None = None
        self._port = 0
        self._engine: dict[str, str] = {}
        self.browser: str | None = None

    def log(self, step: str) -> Path:
        """Where a step's output goes."""
        return self._logs / f"{step}.log"

    def environment(self) -> dict[str, str]:
        """Ours, without what would lead the tests to another instance, and with the one under test."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if name not in OURS and (name in KEPT or not name.startswith("HEADRACE_"))
        }
        if self.browser is not None:
            clean["CHROMIUM_PATH"] = self.browser
        if self._stack is not None:
            url = f"http://localhost:{self._port}"
            clean.update(LIMITS)
            clean.update(HEADRACE_VAR_DIR=str(self._stack.root), HEADRACE_URL=url, HEADRACE_TEST_URL=url)
            clean.update(self._engine)
        return clean

    def start_stack(
        self, arguments: Sequence[str], show: Callable[[str], None], env: Mapping[str, str]
    ) -> None:
        """`headrace up` with these arguments, in a folder of its own, and `env` beside the usual environment.

        Raises ClusterError.
        """
        self.stop_stack()
        self._stack = VarDirectory(Path(tempfile.mkdtemp(prefix="headrace-test-")))
        self._port = ports.free_port()
        name = "-".join(argument.strip("-") for argument in arguments)
        command.run(
            self._headrace("up", "--detach", "--port", str(self._port), *arguments),
            doing="Starting Headrace",
            log=self.log(f"up-{name}"),
            cwd=REPOSITORY,
            env={**self.environment(), **env},
            show=show,
            timeout=START_SECONDS,
        )
        if "vllm" in arguments:
            self._engine = self._real_engine(self._stack)

    def stop_stack(self) -> None:
        """End the stack and forget its data. Raises ClusterError when it does not end."""
        if self._stack is None:
            return
        try:
            command.run(
                self._headrace("down"),
                doing="Stopping Headrace",
                log=self.log("down"),
                cwd=REPOSITORY,
                env=self.environment(),
                timeout=60.0,
            )
        finally:
            shutil.rmtree(self._stack.root, ignore_errors=True)
            self._stack = None
            self._engine = {}

    @staticmethod
    def _real_engine(var: VarDirectory) -> dict[str, str]:
        """Where the contract suite of engines finds the real one, behind its guard."""
        port = ports.remembered(("serve",), var.run / "ports.json")["serve"]
        return {
            "HEADRACE_TEST_VLLM_URL": f"http://{ports.LOOPBACK}:{port}/m/{DEFAULT_MODEL}/r1",
            "HEADRACE_TEST_INTERNAL_TOKEN": load_or_create(var.secrets).internal_token,
        }

    def stack_logs(self) -> list[Path]:
        """The log files of the stack's services."""
        return list(self._stack.logs.glob("*.log")) if self._stack is not None else []

    @staticmethod
    def _headrace(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "cluster.cli", *arguments]

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_stack()
