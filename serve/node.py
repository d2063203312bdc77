"""The supervised process that is Ray on this machine: `python -m serve.node`.

It starts Ray and Serve on loopback, deploys control, says so in one line of JSON, and watches. It ends with 0
when told to, and with 1 when Ray, Serve or control is gone, after ending all that it started. Whoever
supervises it starts it again; it cleans up after an earlier one of the same var folder first.
"""

import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from core.log import configure_logging, get_logger
from core.settings import Settings
from serve.environment import (
    FOREIGN,
    LOOPBACK,
    NodeError,
    NodePlan,
    cluster_configuration,
    make_private,
    node_environment,
    plan_node,
)
from serve.processes import end_processes

logger = get_logger("serve.node")

# Logical CPUs decide only what may run side by side; a small machine would wait for itself for ever.
MIN_LOGICAL_CPUS = 8
OBJECT_STORE_BYTES = 200 * 1024 * 1024
WATCH_EVERY_S = 1.0
# A killed control or HAProxy comes back in seconds; one that stays away is a broken node.
SILENCE_LIMIT_S = 45.0
STOP_GRACE_S = 2.0
STOP_DEADLINE_S = 15.0


class Node:
    """Ray, Serve and control of one var folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._plan: NodePlan = plan_node(settings)
        self._stopping = threading.Event()
        self._lock: TextIO | None = None
        self._ray_node: Any = None
        self._cluster: Path | None = None

    def run(self) -> int:
        """Start, watch, stop. Returns the exit status."""
        self._listen_to_signals()
        started = time.monotonic()
        try:
            self._claim()
            self._clean()
            os.environ.update(node_environment(self._settings, self._plan))
            self._cluster, variables = cluster_configuration(self._settings, self._plan)
            os.environ.update(variables)
            for name in FOREIGN:
                os.environ.pop(name, None)
            self._start_ray()
            # Ray has put its own handler in place, which ends the process on the spot.
            self._listen_to_signals()
            self._start_serve()
            took = round(time.monotonic() - started, 1)
            logger.info("ready", serve_url=os.environ["SERVE_URL"], seconds=took)
            print(
                json.dumps({"event": "ready", "serve_url": os.environ["SERVE_URL"], "seconds": took}),
                flush=True,
            )
            return self._watch()
        except NodeError as error:
            logger.error("cannot start", reason=str(error))
            return 1
        except Stopped:
            return 0
        finally:
            self._end()

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        # Ray blocks in places that look at nothing; an exception gets out of them.
        raise Stopped

    def _claim(self) -> None:
        make_private(self._plan.folder)
        self._lock = (self._plan.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise NodeError(f"A node for {self._settings.var_dir} is already running.") from None

    def _clean(self) -> None:
        left = end_processes(self._plan.marker, grace_s=0, deadline_s=STOP_DEADLINE_S)
        if left:
            raise NodeError(f"Processes of an earlier node do not end: {', '.join(map(str, left))}.")
        for old in ("r", "h"):
            shutil.rmtree(self._plan.folder / old, ignore_errors=True)

    def _start_ray(self) -> None:
        import ray

        from serve.ray_node import start_ray_node

        logical = max(MIN_LOGICAL_CPUS, os.cpu_count() or 1)
        self._ray_node = start_ray_node(
            folder=str(self._plan.folder / "r"),
            cpus=logical,
            object_store_bytes=OBJECT_STORE_BYTES,
            ip=self._settings.ray_node_ip,
            autoscaling_config=self._cluster,
        )
        ray.init(
            address=self._ray_node.gcs_address,
            namespace="headrace",
            log_to_driver=False,
            configure_logging=False,
        )

    def _start_serve(self) -> None:
        import serve.lean  # noqa: F401, I001 - before Serve, so that pandas stays out
        from ray import serve as ray_serve

        from serve.control import NAME, PREFIX, control_application

        host = self._plan.host if self._settings.ray_node_ip == LOOPBACK else "0.0.0.0"
        ray_serve.start(
            proxy_location="HeadOnly",
            # Replicas on other nodes are reached at their own addresses, and ask for the token as here.
            http_options={"host": host, "port": self._plan.port, "keep_alive_timeout_s": 75},
            logging_config={"encoding": "JSON"},
        )
        target = ray_serve.RunTarget(control_application(), name=NAME, route_prefix=PREFIX)
        ray_serve.run_many(
            [target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False
        )
        deadline = time.monotonic() + SILENCE_LIMIT_S
        while not self._control_answers():
            if time.monotonic() > deadline:
                raise NodeError(f"Control does not answer at {os.environ['SERVE_URL']}.")
            self._stopping.wait(0.1)

    def _watch(self) -> int:
        heard = time.monotonic()
        while not self._stopping.wait(WATCH_EVERY_S):
            dead = [name for name, process in self._ray_node.dead_processes()]
            if dead:
                logger.error("ray died", processes=dead)
                return 1
            if self._control_answers():
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_LIMIT_S:
                logger.error("control is silent", seconds=SILENCE_LIMIT_S)
                return 1
        return 0

    def _control_answers(self) -> bool:
        request = urllib.request.Request(  # noqa: S310 - the address is our own
            f"{os.environ['SERVE_URL']}/control/health",
            headers={"authorization": f"Bearer {self._settings.internal_token.get_secret_value()}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _end(self) -> None:
        if self._lock is None:
            return
        # A second signal must not interrupt the cleaning.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        left = end_processes(self._plan.marker, grace_s=STOP_GRACE_S, deadline_s=STOP_DEADLINE_S)
        if left:
            logger.error("processes do not end", processes=left)
        if self._stopping.is_set():
            # After a failure Ray's own logs stay there until the next start.
            shutil.rmtree(self._plan.folder, ignore_errors=True)
        logger.info("stopped")


class Stopped(BaseException):
    """Somebody asked us to stop."""


def main() -> None:
    """Run the node of the environment's settings."""
    settings = Settings()
    configure_logging("serve", settings.log_level, settings.log_format)
    try:
        status = Node(settings).run()
    except NodeError as error:
        logger.error("cannot start", reason=str(error))
        status = 1
    # Ray's exit hooks would wait for processes that we have already ended.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
