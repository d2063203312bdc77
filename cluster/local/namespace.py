"""Run a program as `nobody` in a user namespace of its own: `namespace.py PROGRAM ARGUMENT...`.

For others the process stays who we are, but it has no privilege left. Uses the standard library only.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def enter() -> None:
    """Become `nobody` in the eyes of this process. Raises OSError where that is not allowed."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace may be made here")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


if __name__ == "__main__":
    enter()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the point of this file
