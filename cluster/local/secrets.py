"""The secrets of one instance: made on the first start, kept under `var/secrets`, readable by the owner."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from cluster.local.directory import write_atomically


@dataclass(frozen=True, slots=True)
class Secrets:
    """Each is 64 hexadecimal digits, so that it fits into an address or a configuration file as it is."""

    internal_token: str
    ray_token: str
    postgres_password: str
    postgres_admin_password: str
    valkey_password: str
    signing_key_file: Path
    local_api_key_file: Path


def load_or_create(directory: Path) -> Secrets:
    """Read the secrets in `directory` (mode 0700) and make what is missing, each in a file of mode 0600."""
    signing_key = directory / "signing-key.pem"
    if not signing_key.exists():
        write_atomically(signing_key, _new_signing_key())
    return Secrets(
        internal_token=_secret(directory / "internal-token"),
        ray_token=_secret(directory / "ray-token"),
        postgres_password=_secret(directory / "postgres-password"),
        postgres_admin_password=_secret(directory / "postgres-admin-password"),
        valkey_password=_secret(directory / "valkey-password"),
        signing_key_file=signing_key,
        local_api_key_file=directory / "local-api-key",
    )


def _secret(path: Path) -> str:
    if not path.exists():
        write_atomically(path, secrets.token_hex(32) + "\n")
    path.chmod(0o600)
    return path.read_text().strip()


def _new_signing_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
