"""Changes the signing keys while tokens are in use: nobody has to sign in again.

The file is read again by every process within auth.upkeep.ROUND_SECONDS. So a new key is first put behind the
old one, where it only verifies; when all know it, it is put first and signs. The old one stays behind it for
the tokens that it signed, until the next change or until it is withdrawn.
"""

import os
import re
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.errors import Conflict, SigningKeyUnusable

_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.DOTALL)


def add_next_key(path: Path) -> None:
    """Put a new key behind the one that signs; older ones are dropped. Raises SigningKeyUnusable."""
    current = _blocks(path)[0]
    fresh = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(path, [current, fresh])


def sign_with_next_key(path: Path) -> None:
    """Put the second key first. Raises Conflict where there is none, SigningKeyUnusable."""
    blocks = _blocks(path)
    if len(blocks) < 2:
        raise Conflict("There is no second key to sign with. Begin with a new one.")
    _write(path, [blocks[1], blocks[0], *blocks[2:]])


def withdraw_old_keys(path: Path) -> int:
    """Leave only the key that signs: tokens of all others are dead. How many there were.

    Raises SigningKeyUnusable.
    """
    blocks = _blocks(path)
    if len(blocks) > 1:
        _write(path, blocks[:1])
    return len(blocks) - 1


def _blocks(path: Path) -> list[bytes]:
    try:
        blocks = [match.group(0) for match in _BLOCK.finditer(path.read_bytes())]
    except OSError as error:
        raise SigningKeyUnusable(f"{path} cannot be read: {error.strerror}.") from error
    if not blocks:
        raise SigningKeyUnusable(f"{path} holds no key.")
    return [block if block.endswith(b"\n") else block + b"\n" for block in blocks]


def _write(path: Path, blocks: list[bytes]) -> None:
    """All or nothing: a process that reads at this moment gets the old file or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(blocks))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
