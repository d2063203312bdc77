"""Lock the requirements again: `.venv/bin/python -m cluster.locking [base cpu gpu test bench]`.

Each `requirements/NAME.in` becomes a `NAME.txt` with versions and hashes and without an address in it.
Versions that are locked already stay, unless `--upgrade` is given.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from cluster.bootstrap import PYTORCH_CPU_INDEX, REQUIREMENTS, installer_environment, requirement_block
from cluster.local.directory import REPOSITORY

NAMES = ("cpu", "gpu", "base", "test", "bench")
# The gateway's own set has the versions that are tested, which are those of the cpu set.
CONSTRAINED = {"base": "cpu.txt"}


def command(name: str, *, upgrade: bool) -> list[str]:
    """What locks one set; paths are relative to `requirements`, so the result names none of this machine."""
    return [
        *(str(Path(sys.executable).parent / "uv"), "pip", "compile", f"{name}.in"),
        *("--override", "overrides.txt", "--generate-hashes", "--python-version", "3.11"),
        *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
        *("--index-strategy", "unsafe-best-match", "--output-file", f"{name}.txt"),
        *(("--constraints", CONSTRAINED[name]) if name in CONSTRAINED else ()),
        *(("--upgrade",) if upgrade else ()),
    ]


def take_hashes(name: str, source: str) -> None:
    """Give each package of `name` its hashes in `source`: an index of this machine may know fewer files."""
    path = REQUIREMENTS / f"{name}.txt"
    packages = [line.partition("==")[0] for line in path.read_text().splitlines() if line[:1].isalnum()]
    path.write_text("".join(requirement_block(source, package) for package in packages))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which sets; all of them without")
    parser.add_argument("--upgrade", action="store_true", help="take newer versions where there are")
    arguments = parser.parse_args()
    environment = installer_environment(Path(sys.executable))
    environment.setdefault("UV_INDEX", PYTORCH_CPU_INDEX)
    for name in arguments.names or NAMES:
        done = subprocess.run(
            command(name, upgrade=arguments.upgrade), cwd=REQUIREMENTS, env=environment, check=False
        )
        if done.returncode != 0:
            sys.exit(f"requirements/{name}.in could not be locked; what stands above says why.")
        if name in CONSTRAINED:
            take_hashes(name, CONSTRAINED[name].removesuffix(".txt"))
    sys.stdout.write(f"Locked. Look at what changed: git -C {REPOSITORY} diff --stat requirements\n")


if __name__ == "__main__":
    main()
