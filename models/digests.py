"""The digest of a folder's weights: what a receipt names them by."""

import hashlib
import json
from pathlib import Path
from typing import Final

# What decides what a model says: its numbers, its shape, its vocabulary, and how it is talked to.
_PATTERNS: Final = (
    "*.safetensors",
    "config.json",
    "tokenizer*",
    "vocab.*",
    "merges.txt",
    "*.jinja",
    "*.model",
)


def weights_digest(folder: Path, cache: Path) -> str:
    """SHA-256 over the names and contents of the files that make the model.

    Gigabytes are read once: `cache`, a folder of ours, remembers each file's digest beside its size and time.
    """
    cache.mkdir(parents=True, exist_ok=True)
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    remembered = cache / f"{place}.json"
    try:
        known: dict[str, list[object]] = json.loads(remembered.read_bytes())
    except (OSError, ValueError):
        known = {}
    files = sorted({file for pattern in _PATTERNS for file in folder.glob(pattern) if file.is_file()})
    found: dict[str, list[object]] = {}
    for file in files:
        stat = file.stat()
        old = known.get(file.name)
        if old is not None and old[:2] == [stat.st_size, stat.st_mtime_ns]:
            found[file.name] = old
        else:
            found[file.name] = [stat.st_size, stat.st_mtime_ns, sha256_of(file)]
    if found != known:
        fresh = remembered.with_suffix(".new")
        fresh.write_text(json.dumps(found))
        fresh.replace(remembered)
    whole = hashlib.sha256()
    for name, (_, _, digest) in found.items():
        whole.update(f"{digest}  {name}\n".encode())
    return whole.hexdigest()


def sha256_of(file: Path) -> str:
    """Of one file's contents, in hexadecimal."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
