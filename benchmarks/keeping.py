"""Where a report goes."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def keep(found: Mapping[str, Any], where: str | None) -> None:
    """As JSON into the file `where`; `-` is the standard output, None is nowhere."""
    if not where:
        return
    text = json.dumps(found, indent=2) + "\n"
    if where == "-":
        sys.stdout.write(text)
    else:
        Path(where).write_text(text)
