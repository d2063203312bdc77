"""The load generator and the peer of the benchmarks, in a virtual environment of their own."""

from pathlib import Path
from typing import Final

from cluster import bootstrap
from cluster.local.directory import REPOSITORY

ENVIRONMENT: Final = REPOSITORY / ".venv-bench"
REQUIREMENTS: Final = "bench"


def program(name: str) -> Path:
    """Where a program of it is, once it is prepared."""
    return ENVIRONMENT / "bin" / name


def prepare() -> None:
    """Install it from the hashed lock where it is missing or has changed.

    Raises cluster.bootstrap.BootstrapError with a sentence that says what to do.
    """
    environment = bootstrap.Environment(ENVIRONMENT, "cpu")
    if environment.missing([REQUIREMENTS]):
        with bootstrap.only_one():
            environment.install([REQUIREMENTS])
