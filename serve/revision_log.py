"""What the replicas of one revision wrote last: Serve's log of each, and what its engine wrote beside it."""

import re
from pathlib import Path
from typing import Final

from serve.app import DEPLOYMENT

# Of each file, from its end.
MOST_BYTES: Final = 32 * 1024
# Newest first: replicas that were replaced say why.
MOST_REPLICAS: Final = 3
# A replica writes this with its process id first of all, so that its standard error can be found.
PROCESS_MARK: Final = "replica process"
_PROCESS: Final = re.compile(PROCESS_MARK + r" (\d+)")


def revision_log(folder: Path, application: str) -> str | None:
    """The newest lines, the newest replica's last; None where no replica of it ever wrote here.

    Args:
        folder: Ray's log folder, which has Serve's in it.
    """
    files = sorted(
        (folder / "serve").glob(f"replica_{application}_{DEPLOYMENT}_*.log"),
        key=lambda file: file.stat().st_mtime,
        reverse=True,
    )[:MOST_REPLICAS]
    if not files:
        return None
    parts = []
    for file in reversed(files):
        text = _tail(file)
        parts.append(f"== {file.name}\n{text}")
        found = _PROCESS.search(text)
        for errors in sorted(folder.glob(f"worker-*-{found[1]}.err")) if found else ():
            parts.append(f"== standard error of process {found[1] if found else ''}\n{_tail(errors)}")
    return "\n".join(parts)


def _tail(file: Path) -> str:
    with file.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(max(0, size - MOST_BYTES))
        text = handle.read().decode(errors="replace")
    # The first line may be a part of one.
    return text.partition("\n")[2] if size > MOST_BYTES else text
