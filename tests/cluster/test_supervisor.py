"""Services are started in order, watched, restarted with back-off and stopped without a trace."""

import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from cluster.local import leftovers
from cluster.local.directory import VarDirectory
from cluster.local.errors import ClusterError
from cluster.local.runner import pause_after
from cluster.local.service import Service, State
from cluster.local.state import Entry, read_state
from cluster.local.supervisor import Supervisor
from tests.cluster.fakes import FAILING, PARENT, STUBBORN, fake


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Fail when the condition does not come true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.02)


def started(var: VarDirectory, *services: Service, patience: int = 3) -> Supervisor:
    """A supervisor whose services are ready."""
    supervisor = Supervisor(services, var, patience=patience)
    supervisor.start()
    supervisor.wait_ready(30)
    return supervisor


def test_a_service_starts_after_what_it_needs(var: VarDirectory) -> None:
    supervisor = started(
        var,
        fake(var, "second", after=("first", "task")),
        fake(var, "first"),
        fake(var, "task", "pass", task=True),
    )
    try:
        status = supervisor.status()
        assert status["first"].pid_created is not None
        assert status["second"].pid_created is not None
        assert status["first"].pid_created <= status["second"].pid_created
        assert status["task"].state is State.DONE
    finally:
        supervisor.stop()


def test_a_crash_is_followed_by_a_restart_that_the_state_file_tells(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "one"))
    try:
        first = supervisor.status()["one"].pid
        assert first is not None
        (var.run / "one.ready").unlink()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: supervisor.status()["one"].restarts == 1)
        wait_until(lambda: supervisor.status()["one"].state is State.READY)
        # The file is written a moment after it is so.
        wait_until(lambda: _told(var).state is State.READY)
        entry = _told(var)
        assert entry.pid not in (None, first)
        assert (entry.restarts, entry.last_exit, entry.state) == (1, "killed by signal 9", State.READY)
    finally:
        supervisor.stop()


def _told(var: VarDirectory) -> Entry:
    """What the state file says of the only service."""
    snapshot = read_state(var.state_file)
    assert snapshot is not None
    (entry,) = snapshot.services
    return entry


def test_the_pause_before_a_restart_doubles_up_to_a_cap_with_jitter() -> None:
    for failures, expected in ((0, 0.5), (1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (5000, 30.0)):
        pauses = {pause_after(failures, had_been_ready=False) for _ in range(50)}
        assert len(pauses) > 1
        assert all(0.75 * expected <= pause <= 1.25 * expected for pause in pauses)
    # What had become ready is missed.
    for failures, expected in ((1, 0.5), (3, 2.0), (4, 3.0), (5000, 3.0)):
        pauses = {pause_after(failures, had_been_ready=True) for _ in range(50)}
        assert all(0.75 * expected <= pause <= 1.25 * expected for pause in pauses)


def test_every_crash_is_counted(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "one"))
    try:
        for crash in range(3):
            pid = supervisor.status()["one"].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: supervisor.status()["one"].state is State.RESTARTING)
            wait_until(lambda: supervisor.status()["one"].state is State.READY)
            assert supervisor.status()["one"].restarts == crash + 1
    finally:
        supervisor.stop()


def test_a_crash_of_one_does_not_touch_those_that_need_it(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "one"), fake(var, "two", after=("one",)))
    try:
        before = supervisor.status()["two"].pid
        first = supervisor.status()["one"].pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: supervisor.status()["one"].restarts == 1)
        wait_until(supervisor.all_ready)
        assert supervisor.status()["two"].pid == before
    finally:
        supervisor.stop()


def test_a_service_that_never_starts_is_given_up_and_named(var: VarDirectory) -> None:
    supervisor = Supervisor([fake(var, "bad", FAILING)], var, patience=2)
    supervisor.start()
    try:
        with pytest.raises(ClusterError, match="bad ended with status 3"):
            supervisor.wait_ready(30)
        assert supervisor.failed() == "bad"
    finally:
        supervisor.stop()
    snapshot = read_state(var.state_file)
    assert snapshot is not None
    assert snapshot.services[0].state is State.FAILED


def test_a_service_that_is_not_ready_in_time_is_started_again(var: VarDirectory) -> None:
    supervisor = Supervisor(
        [fake(var, "late", "import time; time.sleep(600)", start_deadline=0.3)], var, patience=2
    )
    supervisor.start()
    try:
        with pytest.raises(ClusterError, match=r"not ready within 0 s: late\.ready is missing"):
            supervisor.wait_ready(30)
    finally:
        supervisor.stop()
    assert leftovers.find(var) == []


def test_stop_ends_a_service_that_ignores_the_polite_signal(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "deaf", STUBBORN, grace=0.5), fake(var, "polite"))
    supervisor.stop(within=5.0)
    assert leftovers.find(var) == []
    assert {status.state for status in supervisor.status().values()} == {State.STOPPED}


def test_stop_ends_grandchildren_in_sessions_of_their_own(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "parent", PARENT))
    grandchild = int((var.run / "parent.ready").read_text())
    assert psutil.pid_exists(grandchild)
    supervisor.stop()
    assert leftovers.find(var) == []
    assert not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE


def test_a_restart_ends_the_grandchildren_of_the_life_before(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "parent", PARENT))
    try:
        grandchild = psutil.Process(int((var.run / "parent.ready").read_text()))
        pid = supervisor.status()["parent"].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: supervisor.status()["parent"].restarts == 1)
        assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE
    finally:
        supervisor.stop()


def test_later_waves_end_first(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "base", stop_wave=0), fake(var, "top", stop_wave=2))
    supervisor.stop()
    status = supervisor.status()
    assert status["top"].since <= status["base"].since


def test_every_process_carries_the_mark_of_its_instance(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "one"))
    try:
        pid = supervisor.status()["one"].pid
        assert pid is not None
        environment = psutil.Process(pid).environ()
        assert environment["HEADRACE_INSTANCE"] == var.instance()
        assert environment["HEADRACE_SERVICE"] == "one"
        assert environment["SPT_NOENV"] == "1"
        assert os.getsid(pid) == pid
    finally:
        supervisor.stop()


def test_a_service_that_is_held_stays_down_until_it_is_resumed(var: VarDirectory) -> None:
    supervisor = started(var, fake(var, "one"))
    try:
        supervisor.hold("one")
        assert supervisor.status()["one"].pid is None
        supervisor.resume("one")
        assert supervisor.status()["one"].pid is not None
    finally:
        supervisor.stop()
