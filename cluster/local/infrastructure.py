"""PostgreSQL, Valkey and the broker alone, for tests and measurements: real servers, own folder."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cluster.local import broker, leftovers, ports, postgres, valkey
from cluster.local.directory import VarDirectory
from cluster.local.runner import Status
from cluster.local.secrets import Secrets, load_or_create
from cluster.local.service import Service
from cluster.local.supervisor import Supervisor

SERVERS = ("postgres", "valkey", "broker")


class EmbeddedInfrastructure:
    """The servers, up between `start` and `stop`; a server that is killed comes back by itself.

    As a context manager it starts and stops them. `hold(name)` and `resume(name)` take a server down and up.

    Args:
        directory: where their data goes; it is made, and kept unless `remove` is asked for at `stop`.
        servers: which of "postgres", "valkey" and "broker".

    Raises (from `start`): cluster.local.errors.ClusterError with the reason.
    """

    def __init__(self, directory: Path, servers: Sequence[str] = SERVERS) -> None:
        self.var = VarDirectory(directory.absolute())
        self._names = tuple(servers)
        self._ports: dict[str, int] = {}
        self._secrets: Secrets | None = None
        self._supervisor: Supervisor | None = None

    def start(self, timeout: float = 90.0) -> None:
        """Make what is missing and start the servers; returns when all are usable."""
        self.var.create()
        leftovers.end_all(self.var)
        self._secrets = load_or_create(self.var.secrets)
        self._ports = ports.choose(self._names, self.var.run / "ports.json")
        supervisor = Supervisor(self._services(), self.var, publish=False)
        self._supervisor = supervisor
        supervisor.start()
        try:
            supervisor.wait_ready(timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, remove: bool = False) -> None:
        """End every server; with `remove`, forget their data too."""
        if self._supervisor is not None:
            supervisor, self._supervisor = self._supervisor, None
            supervisor.stop()
            leftovers.end_all(self.var)
        if remove:
            shutil.rmtree(self.var.root)

    def hold(self, name: str) -> None:
        """Take one server down until `resume`."""
        self._running.hold(name)

    def resume(self, name: str) -> None:
        """Bring a held server back; returns when it is usable."""
        self._running.resume(name)

    def status(self, name: str) -> Status:
        """What the supervisor knows about one server."""
        return self._running.status()[name]

    def pid(self, name: str) -> int:
        """The server's process, to be killed by a test. Raises LookupError while it is down."""
        pid = self.status(name).pid
        if pid is None:
            raise LookupError(f"{name} is not running")
        return pid

    @property
    def database_url(self) -> str:
        return postgres.address(self._ports["postgres"], self.secrets)

    @property
    def redis_url(self) -> str:
        return valkey.address(self._ports["valkey"], self.secrets)

    @property
    def kafka_bootstrap_servers(self) -> str:
        return broker.address(self._ports["broker"])

    @property
    def secrets(self) -> Secrets:
        if self._secrets is None:
            raise RuntimeError("start() comes first")
        return self._secrets

    def environment(self) -> dict[str, str]:
        """What core.settings.Settings needs to use these servers, on top of our own environment."""
        addresses: dict[str, str] = {}
        if "postgres" in self._names:
            addresses["DATABASE_URL"] = self.database_url
        if "valkey" in self._names:
            addresses["REDIS_URL"] = self.redis_url
        if "broker" in self._names:
            addresses["KAFKA_BOOTSTRAP_SERVERS"] = self.kafka_bootstrap_servers
        return {
            **os.environ,
            **addresses,
            "KAFKA_ENABLE_IDEMPOTENCE": "false",
            "HEADRACE_MODE": "embedded",
            "HEADRACE_VAR_DIR": str(self.var.root),
            "HEADRACE_INTERNAL_TOKEN": self.secrets.internal_token,
            "HEADRACE_SIGNING_KEY_FILE": str(self.secrets.signing_key_file),
        }

    @property
    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError("start() comes first")
        return self._supervisor

    def _services(self) -> list[Service]:
        services: list[Service] = []
        if "postgres" in self._names:
            services.append(postgres.service(self.var, self._ports["postgres"], self.secrets))
        if "valkey" in self._names:
            services.append(valkey.service(self.var, self._ports["valkey"], self.secrets))
        if "broker" in self._names:
            services.append(broker.service(self.var, self._ports["broker"]))
        return services

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
