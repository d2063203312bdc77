"""Which account PostgreSQL runs as when we are root, because it refuses to be.

First choice is a system account of its own that can reach the files. Where it cannot (a clone below /root) or
cannot be made, the server runs in a user namespace in which we are somebody without privileges.
"""

import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster.local.errors import ClusterError

ACCOUNT_NAME = "headrace"
NAMESPACE_PROGRAM = Path(__file__).with_name("namespace.py")


@dataclass(frozen=True, slots=True)
class Account:
    """Who a process runs as: us (nothing set), a system account, or nobody in a namespace of its own."""

    uid: int | None = None
    gid: int | None = None
    namespace: bool = False

    def command(self, argv: Iterable[str]) -> list[str]:
        """`argv`, entered through a namespace where that is needed."""
        return [sys.executable, "-IS", str(NAMESPACE_PROGRAM), *argv] if self.namespace else list(argv)

    def give(self, path: Path) -> None:
        """Make it the owner of `path`."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def unprivileged(paths: Iterable[Path]) -> Account:
    """An account that is not root and can reach all of `paths`. Raises ClusterError when there is none."""
    if os.geteuid() != 0:
        return Account()
    if all(_reachable(path) for path in paths):
        entry = _system_account()
        if entry is not None:
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    if _namespaces_work():
        return Account(namespace=True)
    raise ClusterError(
        "PostgreSQL does not run as root and cannot be reached by another account here; run Headrace as a "
        "normal user, or from a folder that other accounts may enter."
    )


def owner_of(path: Path) -> Account:
    """The account that made `path` earlier: what it made, only it can use."""
    if os.geteuid() != 0:
        return Account()
    owner = path.stat()
    return Account(namespace=True) if owner.st_uid == 0 else Account(uid=owner.st_uid, gid=owner.st_gid)


def _reachable(path: Path) -> bool:
    """Whether everybody may walk to `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def _system_account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        return pwd.getpwnam(ACCOUNT_NAME) if _make_account() else None


def _make_account() -> bool:
    try:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME],
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    # 9: somebody made it at the same moment.
    return made.returncode in (0, 9)


def _namespaces_work() -> bool:
    try:
        tried = subprocess.run(
            Account(namespace=True).command(["/bin/true"]), capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
