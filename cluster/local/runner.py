"""One service's life: wait for what it needs, start, probe, watch, restart with back-off, stop."""

import contextlib
import random
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from cluster.local.errors import NotReady
from cluster.local.processes import Spawner, end, marked, tree, working_in
from cluster.local.service import Service, State

POLL = 0.1
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# A service that had become ready is missed while it is away; starting takes long enough not to spin.
LONGEST_PAUSE_ONCE_READY = 3.0
KILL_SECONDS = 5.0
# A service that was ready for this long has earned a short pause after its next crash.
STEADY_SECONDS = 60.0


@dataclass(slots=True)
class Status:
    """What is known about a service now. Times are seconds since the epoch."""

    state: State = State.WAITING
    pid: int | None = None
    pid_created: float | None = None
    since: float = field(default_factory=time.time)
    restarts: int = 0
    last_exit: str | None = None
    waiting_for: str | None = None


class Runner:
    """Runs one service until told to stop.

    Args:
        patience: how many starts in a row may fail before it was ever ready; then the state is `failed`.
            A service that was ready once is restarted for ever.
        may_start: answers when everything in `service.after` has been ready.
        changed: called after every change of `status`.
    """

    def __init__(
        self,
        service: Service,
        spawner: Spawner,
        instance: str,
        *,
        may_start: Callable[[Service], bool],
        changed: Callable[[], None],
        patience: int = 3,
    ) -> None:
        self.service = service
        self.status = Status()
        self.was_ready = threading.Event()
        self._spawner = spawner
        self._instance = instance
        self._may_start = may_start
        self._changed = changed
        self._patience = patience
        self._thread = threading.Thread(target=self._run, name=f"runner-{service.name}", daemon=True)
        self._stopping = threading.Event()
        self._held = threading.Event()
        self._grace = service.grace

    def start(self) -> None:
        """Begin its life in a thread of its own."""
        self._thread.start()

    def request_stop(self, grace: float) -> None:
        """End the service within `grace` seconds, by force after them; `join` tells when that is done."""
        self._grace = min(grace, self.service.grace)
        self._stopping.set()

    def join(self, timeout: float) -> bool:
        """Whether its life has ended, waiting up to `timeout` seconds for it."""
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def hold(self) -> None:
        """End the service and keep it ended until `resume`."""
        self._held.set()

    def resume(self) -> None:
        """Start it again after `hold`."""
        self._held.clear()

    def _run(self) -> None:
        while not self._stopping.is_set() and not self._may_start(self.service):
            self._stopping.wait(POLL)
        failures = 0
        while not self._stopping.is_set():
            if self._held.is_set():
                self._become(State.STOPPED)
                while self._held.is_set() and not self._stopping.wait(POLL):
                    pass
                continue
            ready_for = self._one_life()
            if self.status.state in (State.DONE, State.FAILED):
                return
            if self._stopping.is_set() or self._held.is_set():
                continue
            failures = 0 if ready_for >= STEADY_SECONDS else failures + 1
            if not self.was_ready.is_set() and failures >= self._patience:
                self._become(State.FAILED)
                return
            self.status.restarts += 1
            self._become(State.RESTARTING)
            self._pause(pause_after(failures, had_been_ready=ready_for > 0))
        self._become(State.STOPPED)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.is_set() and not self._held.is_set():
            self._stopping.wait(POLL)

    def _one_life(self) -> float:
        """From a start to the end, ours or its own. Returns how many seconds it was ready."""
        try:
            process = self._spawner.spawn(self.service)
        except OSError as error:
            self.status.last_exit = f"could not be started: {error}"
            return 0.0
        self.status.pid = process.pid
        with contextlib.suppress(psutil.Error):
            self.status.pid_created = psutil.Process(process.pid).create_time()
        self._become(State.STARTING)
        ready_since: float | None = None
        deadline = time.monotonic() + self.service.start_deadline
        while process.poll() is None and not self._stopping.is_set() and not self._held.is_set():
            if ready_since is None and self._is_ready():
                ready_since = time.monotonic()
                self.status.waiting_for = None
                self._become(State.READY)
                self.was_ready.set()
            if ready_since is None and time.monotonic() > deadline:
                patience = f"{self.service.start_deadline:.0f} s"
                self.status.last_exit = (
                    f"not ready within {patience}: {self.status.waiting_for or 'not finished'}"
                )
                break
            self._stopping.wait(POLL)
        else:
            if process.returncode is not None:
                self.status.last_exit = describe_exit(process.returncode)
        self._end(process)
        if self.service.task and process.returncode == 0:
            self.was_ready.set()
            self._become(State.DONE)
        return time.monotonic() - ready_since if ready_since is not None else 0.0

    def _is_ready(self) -> bool:
        if self.service.probe is None:
            return False
        try:
            self.service.probe()
        except NotReady as reason:
            self.status.waiting_for = str(reason)
            return False
        return True

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """See to it that nothing of the service is left."""
        family: list[psutil.Process] = []
        if process.poll() is None:
            with contextlib.suppress(psutil.Error):
                family = tree(psutil.Process(process.pid))
            process.send_signal(self.service.stop_signal)
            try:
                process.wait(self._grace)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(KILL_SECONDS)
        self._spawner.forget(process)
        # What outlived it would hold its ports.
        left = {*family, *marked(self._instance, self.service.name)}
        if self.service.owns_cwd:
            left.update(working_in(self.service.cwd))
        end(left, grace=0.5)
        self.status.pid = self.status.pid_created = None

    def _become(self, state: State) -> None:
        if state is not self.status.state:
            self.status.state = state
            self.status.since = time.time()
        self._changed()


def pause_after(failures: int, *, had_been_ready: bool) -> float:
    """Seconds before the next start, after this many lives in a row that ended badly.

    With jitter, so that services that fell together do not come back together.
    """
    longest = LONGEST_PAUSE_ONCE_READY if had_been_ready else LONGEST_PAUSE
    pause = min(longest, FIRST_PAUSE * 2.0 ** min(max(0, failures - 1), 10))
    return pause * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def describe_exit(returncode: int) -> str:
    """An exit status in words."""
    return f"killed by signal {-returncode}" if returncode < 0 else f"ended with status {returncode}"
