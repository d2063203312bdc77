"""Folders that are written: one process at a time, with room for it, and really on the disk."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from models.errors import WeightsError

LOCK_TIMEOUT_S: Final = 900.0
_GIB: Final = 1024**3


def to_disk(file: Path) -> None:
    """Its bytes are there even after a power cut. Raises OSError."""
    # A rename can reach the disk before the bytes do; after a power cut the folder would look whole.
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def only_one(home: Path, report: Callable[[str], None]) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with (home / ".lock").open("w") as lock:
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WeightsError(
                        f"Another process has been preparing {home.name} for {LOCK_TIMEOUT_S:.0f} s; "
                        "end it first."
                    ) from None
                if not told:
                    report(f"{home.name}: another process is preparing the weights, waiting")
                    told = True
                time.sleep(0.2)
        yield


def need_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsError(
            f"The weights need {needed / _GIB:.1f} GiB in {folder}, which has {free / _GIB:.1f} GiB free; "
            "make room."
        )
