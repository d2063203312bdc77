"""`headrace bench`: hands over to the programs in benchmarks/."""

import subprocess
import sys
from collections.abc import Sequence

from cluster.local.directory import REPOSITORY


def overhead(arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks.overhead` with these arguments; its exit status."""
    return _run("overhead", arguments)


def history(arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks.history` with these arguments; its exit status."""
    return _run("history", arguments)


def auth(arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks.auth` with these arguments; its exit status."""
    return _run("auth", arguments)


def engine(arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks.engine` with these arguments; its exit status."""
    return _run("engine", arguments)


def mixed(arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks.mixed` with these arguments; its exit status."""
    return _run("mixed", arguments)


def prefix(arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks.prefix` with these arguments; its exit status."""
    return _run("prefix", arguments)


def _run(program: str, arguments: Sequence[str]) -> int:
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{program}", *arguments], cwd=REPOSITORY, check=False
    ).returncode
