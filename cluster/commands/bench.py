"""`headrace bench`: hands over to the programs in benchmarks/."""

import subprocess
import sys
from collections.abc import Sequence

from cluster.local.directory import REPOSITORY


def overhead(arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks.overhead` with these arguments; its exit status."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.overhead", *arguments], cwd=REPOSITORY, check=False
    ).returncode
