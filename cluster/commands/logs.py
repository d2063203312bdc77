"""`headrace logs`: the end of what the services wrote, and what they write from now on."""

import sys
from pathlib import Path

from cluster.local.directory import var_directory
from cluster.local.errors import ClusterError
from cluster.local.logs import follow as follow_files
from cluster.local.logs import last_lines


def logs(service: str | None, *, follow: bool, count: int) -> None:
    """Print. Raises ClusterError for a service that has no log."""
    paths = _paths(service)
    width = max(len(path.stem) for path in paths)

    def show(path: Path, line: str) -> None:
        prefix = "" if service and len(paths) == 1 else f"{path.stem:<{width}} | "
        sys.stdout.write(f"{prefix}{line}\n")

    try:
        for path in paths:
            for line in last_lines(path, count):
                show(path, line)
        sys.stdout.flush()
        if follow:
            for path, line in follow_files(paths):
                show(path, line)
                sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has seen enough.
        sys.stderr.close()


def _paths(service: str | None) -> list[Path]:
    folder = var_directory().logs
    paths = sorted(folder.glob("*.log"), key=lambda path: path.stem)
    if not paths:
        raise ClusterError("There are no logs yet; start Headrace with ./headrace up.")
    if service is None:
        return paths
    # `gateway` means all of gateway-1, gateway-2 and so on.
    chosen = [path for path in paths if path.stem == service or path.stem.startswith(f"{service}-")]
    if not chosen:
        names = ", ".join(path.stem for path in paths)
        raise ClusterError(f"There is no log of {service!r}; there are: {names}.")
    return chosen
