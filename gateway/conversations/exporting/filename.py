"""A file name made of a title that anybody may have written."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

LONGEST: Final = 80

# Letters and digits of any script; what else there is becomes one hyphen.
_OTHERS: Final = re.compile(r"[\W_]+")
# Names that Windows gives to devices, whatever their ending.
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def attachment(title: str | None, suffix: str) -> str:
    """The Content-Disposition of a download (RFC 6266): an ASCII name, and the title's own letters beside it.

    Neither holds a path, a quote, a control character, a leading dot or a change of writing direction.
    """
    own = _cleaned(unicodedata.normalize("NFC", title or ""))
    plain = _cleaned(unicodedata.normalize("NFKD", own).encode("ascii", "ignore").decode())
    names = [f"{name or 'conversation'}.{suffix}" for name in (plain, own)]
    return f"attachment; filename=\"{names[0]}\"; filename*=UTF-8''{quote(names[1], safe='')}"


def _cleaned(text: str) -> str:
    name = _OTHERS.sub("-", text)[:LONGEST].strip("-")
    return f"{name}-chat" if _DEVICES.fullmatch(name) else name
