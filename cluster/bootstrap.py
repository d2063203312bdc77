"""From a fresh clone to the command line: makes `.venv` from the locked requirements, runs `cluster.cli`.

Uses the standard library only. A stamp in `.venv`, written last, says which lock files it was made from.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
PYTHON_VERSION = (3, 11)
GIB = 1024**3
# What the packages, the weights and the page take, with room to unpack.
DISK = {"cpu": 8 * GIB, "gpu": 20 * GIB}
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


class BootstrapError(Exception):
    """One sentence that says what to do."""


class Environment:
    """One virtual environment, and what it was made from.

    Args:
        folder: where it is.
        kind: the set of requirements it starts from: "cpu" or "gpu".
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.python = folder / "bin" / "python"
        self._stamp = folder / "headrace.json"
        self._making = folder / "headrace.making"

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of the requirement sets that are not installed as their lock files say now."""
        stamp = self._read()
        if stamp.get("folder") != str(self.folder):
            return list(names)
        locks = stamp.get("locks")
        known = locks if isinstance(locks, dict) else {}
        return [name for name in names if known.get(name) != lock_digest(name)]

    def install(self, names: Sequence[str]) -> None:
        """Bring the sets in. What a failure leaves is as it was before. Raises BootstrapError."""
        fresh = self._prepare()
        try:
            if fresh:
                check_disk(self.kind)
                self._create()
            self._install_uv()
            self._install_sets(names)
        except BaseException:
            if fresh:
                shutil.rmtree(self.folder, ignore_errors=True)
            raise
        locks = self._read().get("locks")
        known = dict(locks) if isinstance(locks, dict) else {}
        known.update({name: lock_digest(name) for name in names})
        stamp = {"folder": str(self.folder), "kind": self.kind, "locks": known}
        partial = self._stamp.with_suffix(".partial")
        partial.write_text(json.dumps(stamp, indent=1))
        partial.replace(self._stamp)
        self._making.unlink(missing_ok=True)

    def _read(self) -> dict[str, object]:
        with contextlib.suppress(OSError, ValueError):
            stamp = json.loads(self._stamp.read_text())
            if isinstance(stamp, dict):
                return stamp
        return {}

    def _prepare(self) -> bool:
        """Remove what cannot be built upon. Returns whether the environment has to be made."""
        stamp = self._read()
        half_made = self._making.exists()
        moved = bool(stamp) and stamp.get("folder") != str(self.folder)
        # The two sets bring different packages of one name.
        other_kind = bool(stamp) and stamp.get("kind") != self.kind
        if half_made or moved or other_kind or _version(self.python) != PYTHON_VERSION:
            shutil.rmtree(self.folder, ignore_errors=True)
        return not self.folder.exists()

    def _create(self) -> None:
        say("Making the virtual environment")
        self.folder.mkdir()
        self._making.touch()
        if sys.version_info[:2] == PYTHON_VERSION:
            run(
                [_base_python(), "-m", "venv", str(self.folder)],
                "The virtual environment could not be made; install Python's venv module "
                "(on Debian: apt install python3.11-venv) and try again",
            )
            return
        helper = self.folder / "helper"
        run(
            [_base_python(), "-m", "venv", str(helper)],
            "The virtual environment could not be made; install Python 3.11 and its venv module",
        )
        _install_uv(helper / "bin" / "python", self.folder / "uv.txt")
        say("Fetching Python 3.11, for which the requirements are locked")
        run(
            [
                *(str(helper / "bin" / "uv"), "venv", "--seed", "--allow-existing"),
                *("--python", "3.11", str(self.folder)),
            ],
            "Headrace's requirements are locked for Python 3.11, which is not on this machine and could not "
            "be downloaded; install it (on Debian: apt install python3.11 python3.11-venv) and try again",
        )
        shutil.rmtree(helper)

    def _install_uv(self) -> None:
        if not (self.folder / "bin" / "uv").exists():
            say("Installing uv, the installer")
            _install_uv(self.python, self.folder / "uv.txt")

    def _install_sets(self, names: Sequence[str]) -> None:
        variables = installer_environment(self.python)
        command = [
            *(str(self.folder / "bin" / "uv"), "pip", "install", "--python", str(self.python)),
            # Everything there is comes ready-made: nobody should wait for a compiler.
            *("--require-hashes", "--no-deps", "--no-build", "--index-strategy", "unsafe-best-match"),
        ]
        if "cpu" in names:
            self._install_torch(command, variables)
        say(f"Installing the locked requirements: {', '.join(names)}")
        files = [part for name in names for part in ("-r", str(REQUIREMENTS / f"{name}.txt"))]
        run(
            [*command, *files],
            "The packages could not be downloaded; check the connection, the proxy and the package index "
            "that pip is configured with, then run this again",
            variables,
        )

    def _install_torch(self, command: list[str], variables: dict[str, str]) -> None:
        """PyTorch's build for CPUs is not on every index: where it is on none of ours, its own has it."""
        only_torch = self.folder / "torch.txt"
        only_torch.write_text(requirement_block("cpu", "torch"))
        tried = subprocess.run(
            [*command, "--dry-run", "-r", str(only_torch)],
            env=variables,
            capture_output=True,
            check=False,
        )
        if tried.returncode != 0:
            say("Installing PyTorch for CPUs from its own index")
            run(
                [*command, "-r", str(only_torch)],
                f"PyTorch for CPUs is neither on your package index nor could it be downloaded from "
                f"{PYTORCH_CPU_INDEX}; check the connection and run this again",
                {**variables, "UV_DEFAULT_INDEX": PYTORCH_CPU_INDEX, "UV_INDEX": ""},
            )
        only_torch.unlink()


def _install_uv(python: Path, scratch: Path) -> None:
    # By pip, which knows where this machine gets its packages from, and with the hash from the lock.
    scratch.write_text(requirement_block("cpu", "uv"))
    run(
        [
            *(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "-r", str(scratch)),
        ],
        "The installer uv could not be downloaded; check the connection, the proxy and pip's configuration, "
        "then run this again",
    )
    scratch.unlink()


def requirement_block(name: str, package: str) -> str:
    """The lines of one package, hashes included, out of a lock file."""
    lines: list[str] = []
    for line in (REQUIREMENTS / f"{name}.txt").read_text().splitlines():
        if line.startswith(f"{package}=="):
            lines = [line]
        elif lines and line.startswith("    --hash"):
            lines.append(line)
        elif lines:
            break
    if not lines:
        raise BootstrapError(f"requirements/{name}.txt does not lock {package}; check the file out again.")
    return "\n".join(lines) + "\n"


def lock_digest(name: str) -> str:
    """Changes whenever the lock file does."""
    return hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()


def installer_environment(python: Path) -> dict[str, str]:
    """Our environment, with what pip is configured with said in uv's words, which does not read it."""
    told = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    settings = pip_settings(told)
    variables = dict(os.environ)
    if "index-url" in settings:
        variables.setdefault("UV_DEFAULT_INDEX", settings["index-url"])
    if "extra-index-url" in settings:
        variables.setdefault("UV_INDEX", " ".join(settings["extra-index-url"].split()))
    if "find-links" in settings:
        variables.setdefault("UV_FIND_LINKS", ",".join(settings["find-links"].split()))
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        variables.setdefault("UV_NO_INDEX", "1")
    if "cert" in settings:
        variables.setdefault("SSL_CERT_FILE", settings["cert"])
    if "trusted-host" in settings:
        variables.setdefault("UV_INSECURE_HOST", " ".join(settings["trusted-host"].split()))
    if "proxy" in settings:
        variables.setdefault("ALL_PROXY", settings["proxy"])
    variables.setdefault(
        "UV_HTTP_TIMEOUT", settings.get("default-timeout") or settings.get("timeout") or "60"
    )
    # A cache on another disk cannot be linked to; that is no reason for a warning.
    variables.setdefault("UV_LINK_MODE", "hardlink" if _same_disk(variables) else "copy")
    return variables


def pip_settings(listing: str) -> dict[str, str]:
    """What `pip config list` tells, by option.

    As in pip, the environment counts more than a command's section, and that more than the global one.
    """
    ranks = {"global": 0, "install": 1, ":env:": 2}
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        name, separator, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if not separator or section not in ranks:
            continue
        if value[:1] in ("'", '"'):
            value = value[1:-1].replace("\\n", "\n")
        if option not in found or ranks[section] >= found[option][0]:
            found[option] = (ranks[section], value)
    return {option: value for option, (_, value) in found.items()}


def _same_disk(variables: dict[str, str]) -> bool:
    cache = Path(variables.get("UV_CACHE_DIR") or variables.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return existing.stat().st_dev == ROOT.stat().st_dev


def _base_python() -> str:
    """The Python outside any virtual environment: the one we run in may just have been removed."""
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return str(base) if base.exists() else sys.executable


def _version(python: Path) -> tuple[int, int] | None:
    try:
        told = subprocess.run(
            [str(python), "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return None
    return int(told[0]), int(told[1])


def check_disk(kind: str) -> None:
    """Raises BootstrapError when the packages would not fit."""
    free = shutil.disk_usage(ROOT).free
    if free < DISK[kind]:
        raise BootstrapError(
            f"{ROOT} has {free / GIB:.1f} GiB free and the installation needs {DISK[kind] / GIB:.0f} GiB; "
            "make room and run this again."
        )


def run(command: Sequence[str], complaint: str, env: dict[str, str] | None = None) -> None:
    """Run with its progress shown. Raises BootstrapError with `complaint` and what it said last."""
    shown = sys.stderr.isatty()
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=None if shown else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or "").splitlines() if line.strip()]
        # What went wrong is rarely in the last line.
        told = [line for line in said if "error" in line.lower() or line.startswith("Caused by")] or said
        raise BootstrapError(f"{complaint}{f' ({told[-1]})' if told else ''}.")


def say(text: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"headrace: {text}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """One installation at a time; a second waits for the first."""
    folder = ROOT / ".venv-bootstrap"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another installation is running here; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wanted_kind(arguments: Sequence[str]) -> str:
    """Which set: what was asked for, else the one that is installed, else the one without CUDA."""
    asked = "gpu" if "--gpu" in arguments else os.environ.get("HEADRACE_REQUIREMENTS")
    if asked not in (None, "cpu", "gpu"):
        raise BootstrapError(f"HEADRACE_REQUIREMENTS is {asked!r}; set it to cpu or gpu.")
    if asked is not None:
        return asked
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads((ROOT / ".venv" / "headrace.json").read_text())["kind"])
    return "cpu"


def wanted_sets(arguments: Sequence[str], kind: str) -> list[str]:
    """Which requirement sets a command needs. Drills are tests too."""
    return [kind, "test"] if arguments[:1] in (["test"], ["drill"]) else [kind]


def main(arguments: Sequence[str]) -> None:
    """Install what is missing, then become the command line."""
    kind = wanted_kind(arguments)
    environment = Environment(ROOT / ".venv", kind)
    names = wanted_sets(arguments, kind)
    if environment.missing(names):
        with only_one():
            missing = environment.missing(names)
            if missing:
                environment.install(missing)
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from cluster.cli import main; main()"
    os.execv(environment.python, [str(environment.python), "-c", start, *arguments])  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BootstrapError as problem:
        sys.stderr.write(f"headrace: {problem}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
