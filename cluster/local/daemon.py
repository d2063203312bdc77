"""The supervisor's process: `python -m cluster.local.daemon [--parent PID]`, started by `headrace up`.

It holds a lock as long as it lives, which is how others know that the instance is up.
"""

import argparse
import signal
import sys
import threading
import time
from types import FrameType

from cluster.local import leftovers, ports
from cluster.local.directory import VarDirectory, var_directory
from cluster.local.errors import ClusterError
from cluster.local.locks import Busy, held_by, only_one
from cluster.local.logs import keep_small
from cluster.local.plan import load_plan
from cluster.local.processes import adopt_orphans, end_with_parent
from cluster.local.stack import services
from cluster.local.supervisor import Supervisor

LOG_CHECK_SECONDS = 30.0


def running(var: VarDirectory) -> int | None:
    """The supervisor's process, or None when the instance is not up."""
    return held_by(var.run / "supervisor.lock")


def run(var: VarDirectory, parent: int | None) -> int:
    """Run the planned instance until SIGTERM. Returns the exit status."""
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if parent is not None:
        end_with_parent(parent)
    adopt_orphans()
    plan = load_plan(var.plan_file)
    if plan is None:
        raise ClusterError("There is no plan to run; start Headrace with ./headrace up.")
    listener = ports.listen(plan.port)
    supervisor = Supervisor(services(plan, var, listener.fileno()), var)
    supervisor.start()
    failed: str | None = None
    logs_checked = time.monotonic()
    try:
        while not stop.wait(0.25):
            supervisor.bury_orphans()
            failed = supervisor.failed()
            if failed is not None:
                break
            if time.monotonic() - logs_checked > LOG_CHECK_SECONDS:
                keep_small(var.logs)
                logs_checked = time.monotonic()
    finally:
        supervisor.stop()
        leftovers.end_all(var, grace=0.5)
        supervisor.bury_orphans()
        listener.close()
    return 1 if failed is not None else 0


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, help="end when this process does")
    arguments = parser.parse_args()
    var = var_directory()
    try:
        with only_one(var.run / "supervisor.lock"):
            sys.exit(run(var, arguments.parent))
    except Busy:
        sys.exit("This instance is up already.")
    except ClusterError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
