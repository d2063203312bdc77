"""All that is measured and all that it needs, on loopback, in a folder that is removed at the end."""

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from benchmarks import cpu
from benchmarks.account import introduce
from benchmarks.calls import call
from benchmarks.process import Process
from benchmarks.scenarios import MODEL, REVISION
from cluster.local import ports
from cluster.local.infrastructure import EmbeddedInfrastructure
from core.migrations import upgrade

# The limit is counted for every request, and never reached.
REQUESTS_PER_MINUTE = 1_000_000
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """Something that answers chat completions.

    Attributes:
        name: "direct", "gateway" or the peer's.
        pid: the process to measure.
        exact: its answers must have the engine's own length, byte for byte.
        most: it is not asked for more at a time.
    """

    name: str
    port: int
    path: str
    token: str
    pid: int
    exact: bool
    most: int = 1024

    def request(self, body: bytes) -> bytes:
        """A whole HTTP/1.1 request."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Stack:
    """PostgreSQL, Valkey, the engine and one gateway; up between `start` and `stop`.

    Args:
        pinned: give the measured processes a core of their own where there are two or more.
        gateway_port: where the gateway listens; 0 takes a free one.
        ttft_ms, token_ms: the engine's pace for requests that ask for none.
    """

    def __init__(
        self, *, pinned: bool = True, gateway_port: int = 0, ttft_ms: float = 0.0, token_ms: float = 0.0
    ) -> None:
        self.cores = cpu.divide_cores() if pinned else None
        self._gateway_port = gateway_port
        self._pace = ["--ttft-ms", str(ttft_ms), "--token-ms", str(token_ms)]
        self._opened = ExitStack()
        self._directory = Path()
        self._environment: dict[str, str] = {}
        self._token = ""
        self.engine: Process
        self.gateway: Process
        self.direct: Target
        self.ours: Target
        self.bearer: dict[str, str] = {}
        self.database_url = ""

    def start(self) -> None:
        """Start everything; returns when the gateway calls its model ready.

        Raises: BenchmarkFailed, or cluster.local.errors.ClusterError.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything, last first, and remove the folder."""
        self._opened.close()

    def open(self, process: Process) -> Process:
        """Have a process ended with the others."""
        self._opened.callback(process.stop)
        return process

    @property
    def directory(self) -> Path:
        """For files that need not outlive the stack."""
        return self._directory

    def log(self, name: str) -> Path:
        """Where a process of this name writes."""
        return self._directory / f"{name}.log"

    def _start(self) -> None:
        # PostgreSQL may run as another account, which has to get to its files.
        self._directory = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
        self._directory.chmod(0o711)
        self._opened.callback(shutil.rmtree, self._directory, ignore_errors=True)
        if self.cores is not None:
            # What is started from now on inherits this; the measured processes are moved away.
            before = os.sched_getaffinity(0)
            self._opened.callback(os.sched_setaffinity, 0, before)
            os.sched_setaffinity(0, self.cores.others)
        servers = EmbeddedInfrastructure(self._directory / "var", servers=("postgres", "valkey"))
        self._opened.callback(servers.stop)
        servers.start()
        upgrade(servers.database_url)
        self.database_url = servers.database_url
        self._token = servers.secrets.internal_token
        self._environment = {**servers.environment(), "PYTHONUNBUFFERED": "1"}
        engine_port = ports.free_port()
        self._start_engine(engine_port)
        self._start_gateway(engine_port)
        self._introduce_ourselves()

    def _start_engine(self, port: int) -> None:
        self.engine = self.open(
            Process(
                "the simulated engine",
                [sys.executable, "-m", "benchmarks.simulated_engine", "--port", str(port), *self._pace],
                log=self.log("engine"),
                env=self._environment,
            )
        )
        path = f"/m/{MODEL}/{REVISION}"
        bearer = {"authorization": f"Bearer {self._token}"}
        self.engine.wait_until(
            lambda: call(port, "GET", f"{path}/health", headers=bearer)[0] == 200, READY_SECONDS
        )
        self.direct = Target(
            "direct", port, f"{path}/v1/chat/completions", self._token, self.engine.pid, exact=True
        )

    def _start_gateway(self, engine_port: int) -> None:
        port = self._gateway_port or ports.free_port()
        ports.require_free(port)
        self._gateway_port = port
        environment = {
            **self._environment,
            "SERVE_URL": f"http://127.0.0.1:{engine_port}",
            "HEADRACE_HOST": "127.0.0.1",
            "HEADRACE_PORT": str(port),
            "HEADRACE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "HEADRACE_MODELS": MODEL,
            "HEADRACE_REGISTRATION": "open",
            "HEADRACE_REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE),
            "HEADRACE_REGISTRATIONS_PER_HOUR": "100000",
            "HEADRACE_LOGINS_PER_MINUTE": "100000",
            "HEADRACE_STATIC_DIR": str(self._directory / "no-page"),
        }
        # A collector of traces that this machine's owner has set up is not part of what is measured.
        environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
        self.gateway = self.open(
            Process(
                "the gateway",
                [sys.executable, "-m", "gateway"],
                log=self.log("gateway"),
                env=environment,
                cores=self.cores.measured if self.cores else None,
            )
        )
        self.gateway.wait_until(lambda: call(port, "GET", "/readyz")[0] == 200, READY_SECONDS)

    def _introduce_ourselves(self) -> None:
        port = self._gateway_port
        account = introduce(port)
        self.bearer = account.bearer
        self.ours = Target("gateway", port, "/v1/chat/completions", account.key, self.gateway.pid, exact=True)
        self.gateway.wait_until(lambda: self._model_is_there(account.bearer), READY_SECONDS)

    def _model_is_there(self, bearer: dict[str, str]) -> bool:
        status, body = call(self._gateway_port, "GET", "/api/models", headers=bearer)
        return status == 200 and any(item["state"] == "ready" for item in orjson.loads(body)["items"])

    def __enter__(self) -> Self:
        """Starts nothing; leaving ends what was started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
