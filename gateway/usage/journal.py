"""A file in which a gateway process notes what it owes the ledger, so that a killed one forgets nothing.

Each process has files of its own, locked while it lives; a file whose lock is free belongs to nobody, and
whoever finds it books what is in it. A line is written with one system call and is then the kernel's: it
survives the process, not a machine that loses its power (that would cost a flush to disk per request).
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from core.ids import uuid7
from core.log import get_logger
from gateway.metrics import JOURNAL_FAILURES
from gateway.usage.tables import Entry, Outcome, Tokens

log = get_logger(__name__)

# An idle process empties its file beyond this; a busy one writes a new one with what is still needed.
EMPTY_BYTES: Final = 64 * 1024
ROTATE_BYTES: Final = 16 * 1024 * 1024
# With the database away for minutes under load. Beyond it bookings are in memory only, and it is said.
MOST_BYTES: Final = 256 * 1024 * 1024
_NAME: Final = "bookings-*.jsonl"


class _Opened(msgspec.Struct, tag="open"):
    """A request that goes to an engine: what is booked of it if nothing else is heard."""

    entry: Entry


class _Booked(msgspec.Struct, tag="book"):
    entry: Entry


class _Dropped(msgspec.Struct, tag="drop"):
    """An opened request that cost nothing."""

    reference: str


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Opened | _Booked | _Dropped).decode


class Journal:
    """The file of this process. Its calls never raise: a disk that is full costs safety, not requests."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path: Path | None = None
        self._file = -1
        self._size = 0
        self._rotate_at = ROTATE_BYTES
        self._failing = False

    def start(self) -> None:
        """Make the directory and the file."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path, self._file = _new_file(self._directory)
        except OSError as error:
            self._failed(error)

    def stop(self, *, nothing: bool) -> None:
        """Let go of the file; it is removed where `nothing` in it is still owed."""
        if self._path is not None:
            if nothing or self._size == 0:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._path, self._file = None, -1

    def opened(self, entry: Entry) -> None:
        self._write(_encode(_Opened(entry)))

    def booked(self, entry: Entry) -> None:
        self._write(_encode(_Booked(entry)))

    def dropped(self, reference: str) -> None:
        self._write(_encode(_Dropped(reference)))

    def keep_only(self, opened: Iterable[Entry], booked: Iterable[Entry], *, nothing: bool) -> None:
        """Forget everything but these, if it is worth while; `nothing` says that there are none."""
        if self._path is None or self._size < (EMPTY_BYTES if nothing else self._rotate_at):
            return
        try:
            if nothing:
                os.ftruncate(self._file, 0)
                self._size, self._rotate_at = 0, ROTATE_BYTES
                return
            path, file = _new_file(self._directory)
            lines = [_encode(_Opened(entry)) for entry in opened]
            lines += [_encode(_Booked(entry)) for entry in booked]
            whole = b"".join(b"\n" + line for line in lines)
            if os.write(file, whole) < len(whole):
                raise OSError("the new file could not be written whole")
        except OSError as error:
            self._failed(error)
            return
        old_path, old_file = self._path, self._file
        self._path, self._file, self._size = path, file, len(whole)
        self._rotate_at = max(ROTATE_BYTES, 2 * len(whole))
        old_path.unlink(missing_ok=True)
        os.close(old_file)

    def _write(self, line: bytes) -> None:
        if self._file < 0:
            return
        if self._size + len(line) > MOST_BYTES:
            self._failed(OSError(f"{self._path} has {self._size} bytes"))
            return
        try:
            # The break comes first, so that a line that was torn spoils only itself.
            self._size += os.write(self._file, b"\n" + line)
            self._failing = False
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        JOURNAL_FAILURES.inc()
        if not self._failing:
            self._failing = True
            log.error("ledger.journal_failed", directory=str(self._directory), error=str(error))


@dataclass(frozen=True, slots=True)
class Orphan:
    """The file of a process that is gone, locked by us; `entries` are what it owed."""

    path: Path
    file: int
    entries: Sequence[Entry]

    def done(self) -> None:
        """All of it is booked."""
        self.path.unlink(missing_ok=True)
        os.close(self.file)

    def leave(self) -> None:
        """It could not be booked now; somebody will find it again."""
        os.close(self.file)


def orphans(directory: Path) -> Iterator[Orphan]:
    """The files in `directory` whose process is gone, one at a time; each must be `done` or left."""
    for path in sorted(directory.glob(_NAME)):
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            # Removed by whoever was quicker.
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            entries = list(_owed(path.read_bytes()))
        except BlockingIOError:
            os.close(file)
            continue
        except OSError as error:
            os.close(file)
            log.error("ledger.journal_unreadable", path=str(path), error=str(error))
            continue
        yield Orphan(path, file, entries)


def _owed(content: bytes) -> Iterator[Entry]:
    open_requests: dict[str, Entry] = {}
    for line in content.split(b"\n"):
        if not line:
            continue
        try:
            note = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Torn by the end of its process, or by a full disk.
            log.warning("ledger.journal_line_unreadable", size=len(line))
            continue
        if isinstance(note, _Opened):
            open_requests[note.entry.reference] = note.entry
        elif isinstance(note, _Booked):
            open_requests.pop(note.entry.reference, None)
            yield note.entry
        else:
            open_requests.pop(note.reference, None)
    for entry in open_requests.values():
        # The engine's own record of it says later what it cost; see gateway.usage.reconciler.
        yield replace(entry, outcome=Outcome.FAILED, tokens=Tokens(0, 0, exact=False))


def _new_file(directory: Path) -> tuple[Path, int]:
    """A locked file. It gets the name that others look for only once it is locked."""
    name = f"bookings-{uuid7().hex}"
    fresh = directory / f"{name}.new"
    file = os.open(fresh, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = fresh.rename(directory / f"{name}.jsonl")
    except OSError:
        os.close(file)
        raise
    return path, file
