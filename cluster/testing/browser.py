"""The browser of the end-to-end tests: the system's Chromium, installed where that is possible."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from cluster.local import command
from cluster.local.errors import ClusterError
from cluster.testing.bench import Bench

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser(bench: Bench, show: Callable[[str], None]) -> None:
    """See to it that `bench` knows a Chromium. Raises ClusterError with what to install."""
    found = _look()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        log = bench.log("browser-install")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (("update",), ("install", "--yes", "--no-install-recommends", "chromium")):
            command.run(
                ["apt-get", *arguments],
                doing="Installing Chromium",
                log=log,
                cwd=Path("/"),
                env=environment,
                show=show,
            )
        found = _look()
    if found is None:
        raise ClusterError(
            "The browser tests need Chromium; install it (on Debian: apt install chromium), "
            "or name it with CHROMIUM_PATH."
        )
    bench.browser = found


def _look() -> str | None:
    named = os.environ.get("CHROMIUM_PATH")
    if named:
        return named
    return next((found for name in NAMES if (found := shutil.which(name))), None)
