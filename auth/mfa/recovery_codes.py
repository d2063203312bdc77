"""Recovery codes: on paper, for the day the phone is gone. Each works once."""

import hashlib
import secrets
from typing import Final

COUNT: Final = 10
# Without letters and digits that look alike. 16 of 31 are 79 bits: nothing that a fast hash would give away.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH: Final = 16
_GROUP: Final = 4


def new_codes() -> list[str]:
    """COUNT fresh codes, in groups of four characters."""
    return [_code() for _ in range(COUNT)]


def digest(code: str) -> bytes:
    """What is stored of a code. Spaces, dashes and capitals do not matter."""
    plain = "".join(character for character in code.casefold() if character.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).digest()


def _code() -> str:
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(text[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))
