"""The Ed25519 keys that sign access tokens."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import SigningKeyUnusable

_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. `private` is None where tokens are only verified with it; `kid` is its RFC 7638 thumbprint."""

    kid: str
    public: Ed25519PublicKey
    private: Ed25519PrivateKey | None
    refresh_secret: bytes | None
    jwk: Mapping[str, str]


class Keyring:
    """The keys of one PEM file: the first block signs, the others only verify.

    To change keys without anybody noticing: add the new key's public block, wait until all processes have
    read the file again, put the new private block first, and take the old one away when the last token it
    signed has expired.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._keys: dict[str, SigningKey] = {}
        self._current: SigningKey | None = None

    def load(self) -> bool:
        """Read the file if it has changed; whether it had. Raises SigningKeyUnusable, keeping what it had."""
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return False
            keys = [_read(match.group(0)) for match in _BLOCK.finditer(self._path.read_bytes())]
        except (OSError, ValueError) as error:
            raise SigningKeyUnusable(_advice(self._path)) from error
        if not keys or keys[0].private is None:
            raise SigningKeyUnusable(_advice(self._path))
        self._current = keys[0]
        self._keys = {key.kid: key for key in reversed(keys)}
        self._seen = seen
        return True

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        if self._current is None:
            raise SigningKeyUnusable
        return self._current

    def public_key(self, kid: object) -> Ed25519PublicKey | None:
        """The key of this id. A look into a dictionary and nothing else, whatever the id says."""
        key = self._keys.get(kid) if isinstance(kid, str) else None
        return key.public if key else None

    def refresh_secrets(self) -> list[bytes]:
        """The secrets that successors of refresh tokens are derived with, today's first."""
        others = [key.refresh_secret for key in self._keys.values() if key.kid != self.current.kid]
        return [secret for secret in (self.current.refresh_secret, *others) if secret is not None]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JSON Web Key Set."""
        return {"keys": [dict(key.jwk) for key in self._keys.values()]}


def create_signing_key(path: Path) -> None:
    """Write a new key that only its owner can read. Raises FileExistsError rather than replace one."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def _read(block: bytes) -> SigningKey:
    private: Ed25519PrivateKey | None = None
    if b"PRIVATE" in block.split(b"\n", 1)[0]:
        loaded = serialization.load_pem_private_key(block, password=None)
        if not isinstance(loaded, Ed25519PrivateKey):
            raise ValueError("not an Ed25519 key")
        private = loaded
        public = loaded.public_key()
    else:
        loaded_public = serialization.load_pem_public_key(block)
        if not isinstance(loaded_public, Ed25519PublicKey):
            raise ValueError("not an Ed25519 key")
        public = loaded_public
    x = _base64url(public.public_bytes_raw())
    # RFC 7638: the required members in this order, without spaces.
    thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    kid = _base64url(thumbprint)
    secret = None
    if private is not None:
        derivation = HKDF(hashes.SHA256(), length=32, salt=None, info=b"headrace refresh tokens v1")
        secret = derivation.derive(private.private_bytes_raw())
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"}
    return SigningKey(kid, public, private, secret, jwk)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _advice(path: Path) -> str:
    return (
        f"{path} does not begin with an Ed25519 private key in PEM. "
        f"Make one with: openssl genpkey -algorithm ed25519 -out {path}"
    )
