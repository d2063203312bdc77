"""All services of one instance: started in the order of their needs, watched, stopped in waves."""

import threading
import time
from collections.abc import Sequence
from itertools import groupby

from cluster.local.directory import VarDirectory
from cluster.local.errors import ClusterError
from cluster.local.processes import Spawner
from cluster.local.runner import Runner, Status
from cluster.local.service import Service, State
from cluster.local.state import write_state

STOP_SECONDS = 22.0
"""How long `stop` takes at most, killing included."""


class Supervisor:
    """Runs `services` until `stop`; what crashes comes back by itself.

    Args:
        patience: starts in a row that may fail before a service was ever ready; then it is `failed`.
        publish: keep the state file of `var` up to date.
    """

    def __init__(
        self, services: Sequence[Service], var: VarDirectory, *, patience: int = 3, publish: bool = True
    ) -> None:
        self._var = var
        self._publish = publish
        self._instance = var.instance()
        self._spawner = Spawner(self._instance)
        self._writing = threading.Lock()
        self.runners = {
            service.name: Runner(
                service,
                self._spawner,
                self._instance,
                may_start=self._may_start,
                changed=self._changed,
                patience=patience,
            )
            for service in services
        }

    def start(self) -> None:
        """Begin; returns at once."""
        for runner in self.runners.values():
            runner.start()

    def status(self) -> dict[str, Status]:
        """Every service's status by name."""
        return {name: runner.status for name, runner in self.runners.items()}

    def all_ready(self) -> bool:
        """Whether every service is usable and every task done, now."""
        return all(status.state in (State.READY, State.DONE) for status in self.status().values())

    def failed(self) -> str | None:
        """The name of a service that was given up, or None."""
        return next((name for name, status in self.status().items() if status.state is State.FAILED), None)

    def wait_ready(self, timeout: float) -> None:
        """Return when all are ready. Raises ClusterError naming the service that is not."""
        until = time.monotonic() + timeout
        while not self.all_ready():
            failed = self.failed()
            late = next(
                (n for n, s in self.status().items() if s.state not in (State.READY, State.DONE)), None
            )
            if failed is not None or time.monotonic() > until:
                name = failed or late or "a service"
                raise ClusterError(f"{name} {self._why(name)}; its log is {self._var.logs / name}.log")
            self._spawner.bury_orphans()
            time.sleep(0.05)

    def _why(self, name: str) -> str:
        status = self.runners[name].status if name in self.runners else Status()
        return status.last_exit or f"is not ready ({status.waiting_for or status.state})"

    def bury_orphans(self) -> None:
        """Reap what the services left behind; to be called now and then."""
        self._spawner.bury_orphans()

    def stop(self, within: float = STOP_SECONDS) -> None:
        """End everything, the later wave first: orderly for its grace, then by force; bounded by `within`."""
        until = time.monotonic() + within
        ordered = sorted(self.runners.values(), key=lambda runner: -runner.service.stop_wave)
        for _, group in groupby(ordered, key=lambda runner: runner.service.stop_wave):
            wave = list(group)
            left = max(0.5, until - time.monotonic())
            for runner in wave:
                runner.request_stop(left)
            for runner in wave:
                runner.join(max(1.0, until - time.monotonic() + 1.0))
        self._spawner.bury_orphans()
        self._changed()

    def hold(self, name: str, timeout: float = 10.0) -> None:
        """End one service and keep it down, as a fault for a test."""
        self.runners[name].hold()
        self._wait_for(name, State.STOPPED, timeout)

    def resume(self, name: str, timeout: float = 30.0) -> None:
        """Start a service that was held, and wait until it is ready."""
        self.runners[name].resume()
        self._wait_for(name, State.READY, timeout)

    def _wait_for(self, name: str, state: State, timeout: float) -> None:
        until = time.monotonic() + timeout
        while self.runners[name].status.state is not state:
            if time.monotonic() > until:
                raise ClusterError(f"{name} did not become {state} within {timeout:.0f} s.")
            time.sleep(0.02)

    def _may_start(self, service: Service) -> bool:
        return all(self.runners[name].was_ready.is_set() for name in service.after)

    def _changed(self) -> None:
        if self._publish:
            with self._writing:
                write_state(
                    self._var.state_file,
                    {name: (self.runners[name].service, s) for name, s in self.status().items()},
                )
