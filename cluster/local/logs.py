"""The services' log files: kept small, read from the end, followed."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

LARGEST = 20 * 1024 * 1024


def keep_small(folder: Path, largest: int = LARGEST) -> None:
    """Move what has grown too large to `<name>.1` and begin anew.

    The writers append and keep their file open: the content is copied and the file emptied. Lines written in
    between are lost, which is better than a full disk.
    """
    for path in folder.glob("*.log"):
        if path.stat().st_size > largest:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            path.with_name(path.name + ".1").chmod(0o600)
            with path.open("r+b") as file:
                file.truncate(0)


def last_lines(path: Path, count: int) -> list[str]:
    """Up to `count` lines from the end of the file; none where there is no file."""
    if count <= 0 or not path.exists():
        return []
    with path.open("rb") as file:
        position = file.seek(0, 2)
        tail = b""
        while position > 0 and tail.count(b"\n") <= count:
            step = min(64 * 1024, position)
            position = file.seek(position - step)
            tail = file.read(step) + tail
            file.seek(position)
    return tail.decode(errors="replace").splitlines()[-count:]


def follow(paths: list[Path], pause: float = 0.25) -> Iterator[tuple[Path, str]]:
    """New lines of all files as they are written, for ever; an emptied file is read from its start."""
    positions = {path: path.stat().st_size if path.exists() else 0 for path in paths}
    halves: dict[Path, bytes] = dict.fromkeys(paths, b"")
    while True:
        quiet = True
        for path in paths:
            if not path.exists():
                continue
            size = path.stat().st_size
            if size < positions[path]:
                positions[path], halves[path] = 0, b""
            if size == positions[path]:
                continue
            quiet = False
            with path.open("rb") as file:
                file.seek(positions[path])
                block = file.read(1024 * 1024)
            positions[path] += len(block)
            *lines, halves[path] = (halves[path] + block).split(b"\n")
            for line in lines:
                yield path, line.decode(errors="replace")
        if quiet:
            time.sleep(pause)
