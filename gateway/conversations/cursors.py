"""Where a page ends, in characters that a client hands back unread."""

import base64
import binascii

from core.errors import Invalid


def write_cursor(*parts: str) -> str:
    """`parts` hold no bar."""
    return base64.urlsafe_b64encode("|".join(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str, parts: int) -> list[str]:
    """What `write_cursor` was given. Raises core.errors.Invalid for anything else."""
    try:
        found = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|")
    except (ValueError, binascii.Error) as error:
        raise not_ours() from error
    if len(found) != parts:
        raise not_ours()
    return found


def not_ours() -> Invalid:
    """A cursor that we did not give."""
    return Invalid(
        "This cursor is not one of ours. Start again without it.", fields=[("cursor", "not valid")]
    )
