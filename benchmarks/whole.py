"""All of Headrace, as `./headrace up` starts it with the bundled model, in a folder removed at the end."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.account import Account, introduce
from benchmarks.errors import BenchmarkFailed
from benchmarks.process import REPOSITORY
from benchmarks.stack import Target
from cluster.local import ports
from cluster.local.directory import VarDirectory
from cluster.local.plan import DEFAULT_MODEL
from cluster.local.state import read_state
from models.catalogue import Catalogue
from models.spec import ModelSpec
from models.weights import ready_folder

START_SECONDS: Final = 900
STOP_SECONDS: Final = 60
LAST_BYTES: Final = 2_000
# Counted for every request, and never reached.
LIMITS: Final = {
    "HEADRACE_REQUESTS_PER_MINUTE": "1000000",
    "HEADRACE_REGISTRATIONS_PER_HOUR": "1000",
    "HEADRACE_LOGINS_PER_MINUTE": "1000",
}


class Whole:
    """Up between `start` and the end of the `with` block.

    Attributes:
        account: whom to measure with.
        ours: `/v1/chat/completions` at its gateways.
        spec: the model that it serves.
    """

    def __init__(
        self, *, name: str = "headrace", replicas: int = 1, env: Mapping[str, str] | None = None
    ) -> None:
        """`replicas`: of the bundled model; `env`: settings beside the usual ones."""
        self._directory = Path()
        self._port = 0
        self._name = name
        self._env = dict(env or {})
        self.account: Account
        self.ours: Target
        self.spec: ModelSpec = Catalogue.load().get(DEFAULT_MODEL)
        if replicas > 1:
            several = self.spec.replicas.model_copy(update={"min": replicas, "max": replicas})
            self.spec = self.spec.model_copy(update={"revision": "several", "replicas": several})

    def start(self) -> None:
        """Returns when the model answers. Raises BenchmarkFailed."""
        self._directory = Path(tempfile.mkdtemp(prefix="headrace-whole-"))
        self._directory.chmod(0o711)
        self._port = ports.free_port()
        self._headrace("up", "--detach", "--engine", "vllm", "--port", str(self._port), seconds=START_SECONDS)
        if self.spec.replicas.min > 1:
            self._several()
        self.account = introduce(self._port)
        # No one process is measured here: the whole of it takes what it needs of the machine.
        self.ours = Target(self._name, self._port, "/v1/chat/completions", self.account.key, 0, exact=False)

    def _several(self) -> None:
        """Another revision with more replicas takes over from the one that `up` has started."""
        file = self._directory / "several.yaml"
        file.write_text(json.dumps(self.spec.model_dump(mode="json")))
        named = f"{self.spec.name}@{self.spec.revision}"
        self._headrace("models", "add", str(file), seconds=STOP_SECONDS)
        at_once = ("--steps", "100", "--seconds", "0", "--min-requests", "0", "--patience", "0")
        self._headrace("models", "promote", named, *at_once, seconds=START_SECONDS)

    @property
    def port(self) -> int:
        """Where its gateways listen."""
        return self._port

    @property
    def pid(self) -> int:
        """The supervisor's, of which all its processes descend. Raises BenchmarkFailed."""
        snapshot = read_state(VarDirectory(self._directory / "var").state_file)
        if snapshot is None:
            raise BenchmarkFailed("Headrace does not say that it is up.")
        return snapshot.supervisor_pid

    def weights(self) -> Path:
        """The folder of the model's weights. Raises BenchmarkFailed."""
        folder = ready_folder(self.spec, self._directory / "var")
        if folder is None:
            raise BenchmarkFailed("The weights of the model are not where they were made.")
        return folder

    @property
    def directory(self) -> Path:
        """For the logs and files of others that are measured beside it."""
        return self._directory

    def stop(self) -> None:
        """End it; its folder stays until the end of the `with` block."""
        self._headrace("down", seconds=STOP_SECONDS)

    def _headrace(self, *arguments: str, seconds: float) -> None:
        log = self._directory / "headrace.log"
        with log.open("ab") as output:
            try:
                status = subprocess.run(
                    [sys.executable, "-m", "cluster.cli", *arguments],
                    cwd=REPOSITORY,
                    env={
                        **os.environ,
                        **LIMITS,
                        **self._env,
                        "HEADRACE_VAR_DIR": str(self._directory / "var"),
                    },
                    stdout=output,
                    stderr=output,
                    timeout=seconds,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired as error:
                raise BenchmarkFailed(f"`headrace {arguments[0]}` took over {seconds:.0f} s.") from error
        if status:
            said = log.read_bytes()[-LAST_BYTES:].decode(errors="replace")
            raise BenchmarkFailed(f"`headrace {arguments[0]}` ended with {status}. It said:\n{said}")

    def __enter__(self) -> Self:
        """Starts nothing; leaving ends what was started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._port:
            try:
                self._headrace("down", seconds=STOP_SECONDS)
            finally:
                shutil.rmtree(self._directory, ignore_errors=True)
