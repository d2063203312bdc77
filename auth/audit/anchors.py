"""Where the audit log's newest hash is written down outside its table.

Somebody who can write to the database can replace the whole chain by another that is right in itself. What
they cannot do there is change this file, nor sign a line of it: that takes the key that signs access tokens.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidSignature

from auth.audit.repository import Head
from auth.sessions.signing_keys import Keyring
from core.log import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the head was at one time. `signed`: by a key that we have; None where that key is gone."""

    head: Head
    at: str
    signed: bool | None


class Anchors:
    """A file of signed heads, one JSON object a line, only added to."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self._path = path
        self._keyring = keyring

    def add(self, head: Head, at: datetime) -> None:
        """Write down a head. Raises OSError."""
        key = self._keyring.current
        assert key.private is not None  # noqa: S101 - the keyring's first key has one
        moment = at.isoformat()
        line = {
            "number": head.number,
            "hash": head.hash.hex(),
            "at": moment,
            "kid": key.kid,
            "signature": base64.b64encode(key.private.sign(_signed(head, moment))).decode(),
        }
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")

    def read(self) -> Iterator[Anchor]:
        """All of them, oldest first. A line that cannot be read is a forged one. Raises OSError."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                yield self._anchor(line)

    def _anchor(self, line: bytes) -> Anchor:
        try:
            said = orjson.loads(line)
            head = Head(int(said["number"]), bytes.fromhex(said["hash"]))
            moment, signature = str(said["at"]), base64.b64decode(said["signature"])
            key = self._keyring.public_key(str(said["kid"]))
        except (ValueError, KeyError, TypeError):
            return Anchor(Head(-1, b""), "", signed=False)
        if key is None:
            return Anchor(head, moment, signed=None)
        try:
            key.verify(signature, _signed(head, moment))
        except InvalidSignature:
            return Anchor(head, moment, signed=False)
        return Anchor(head, moment, signed=True)


def _signed(head: Head, moment: str) -> bytes:
    return f"headrace audit anchor\n{head.number}\n{head.hash.hex()}\n{moment}".encode()
