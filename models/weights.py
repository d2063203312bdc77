"""Get a model's weights ready on disk: `<var>/models/<name>/<digest>/`, in the Hugging Face layout.

A folder of that name is either whole or not there: it is made beside its place, checked, and renamed.
`python -m models.weights NAME` does it by hand.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from models.catalogue import Catalogue, CatalogueError, UnknownModel
from models.conversion import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    check_adapter,
    convert_gguf,
    merge_adapter,
)
from models.digests import sha256_of, weights_digest
from models.disk import need_space, only_one, to_disk
from models.errors import WeightsError
from models.hub import download
from models.spec import HubSource, LocalAdapter, LocalSource, ModelSpec, PackageSource

Report = Callable[[str], None]

# Raise it when what a source is turned into changes: the digest follows, and old folders are made anew.
RECIPE = 1
_MARKER = "headrace.json"
# A 4-bit GGUF grows fourfold in bfloat16; the rest is room for the tokenizer and rounding.
_GROWTH = 4
_ROOM_BYTES = 64 * 1024**2


def prepare(spec: ModelSpec, var_dir: Path, report: Report = lambda line: None) -> Path | None:
    """The folder of the spec's weights, made ready if it is not yet; None for an engine without weights.

    Another process that prepares the same model is waited for. Raises WeightsError; nothing half-made stays,
    except a hub download, which goes on from there the next time.
    """
    if spec.adapter is not None:
        return _prepare_merged(spec, var_dir, report)
    source = spec.source
    if source is None:
        return None
    if isinstance(source, LocalSource) and source.file is None:
        return check_folder(Path(source.path))

    def make(making: Path) -> None:
        if isinstance(source, HubSource):
            download(source, making, report)
        else:
            _convert(spec, gguf_of(source), making, report)

    return _made(spec, var_dir, report, make, resumes=isinstance(source, HubSource))


def _prepare_merged(spec: ModelSpec, var_dir: Path, report: Report) -> Path:
    """The base with the adapter on it; each of the two is made ready first."""
    base = prepare(spec.model_copy(update={"adapter": None}), var_dir, report)
    adapter = spec.adapter
    assert base is not None  # noqa: S101 - an adapter has a base
    assert adapter is not None  # noqa: S101 - it was looked at before

    def make(making: Path) -> None:
        need_space(making.parent, sum(file.stat().st_size for file in base.iterdir()) + _ROOM_BYTES)
        if not isinstance(adapter, HubSource):
            merge_adapter(base, Path(adapter.path), making, report)
            return
        fetched = making.with_name(f"{making.name}-adapter")
        try:
            download(adapter, fetched, report)
            merge_adapter(base, fetched, making, report)
        finally:
            shutil.rmtree(fetched, ignore_errors=True)

    return _made(spec, var_dir, report, make, resumes=False)


def _made(
    spec: ModelSpec, var_dir: Path, report: Report, make: Callable[[Path], None], *, resumes: bool
) -> Path:
    """The folder that `make` fills, made under another name, checked and renamed.

    `resumes`: what `make` has left behind is of use to the next try.
    """
    home = var_dir.resolve() / "models" / spec.name
    target = home / source_digest(spec)
    if is_ready(target):
        return target
    home.mkdir(parents=True, exist_ok=True)
    with only_one(home, report):
        if is_ready(target):
            return target
        making = home / f".making-{target.name}"
        if not resumes:
            for leftover in home.glob(".making-*"):
                shutil.rmtree(leftover)
            if target.exists():
                shutil.rmtree(target)
        try:
            make(making)
        except BaseException:
            if not resumes:
                shutil.rmtree(making, ignore_errors=True)
            raise
        check_folder(making)
        _mark(spec, making)
        making.replace(target)
    report(f"{spec.name}: weights are ready")
    return target


def ready_folder(spec: ModelSpec, var_dir: Path) -> Path | None:
    """The folder `prepare` made, or None when it has not (or the engine has no weights). Writes nothing."""
    if spec.source is None:
        return None
    if isinstance(spec.source, LocalSource) and spec.source.file is None and spec.adapter is None:
        return check_folder(Path(spec.source.path))
    target = var_dir.resolve() / "models" / spec.name / source_digest(spec)
    return target if is_ready(target) else None


def is_ready(folder: Path) -> bool:
    """Whether every file is there that was there when the folder was made, in its size."""
    try:
        files = json.loads((folder / _MARKER).read_text())["files"]
    except (OSError, ValueError, KeyError):
        return False
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == size for name, size in files.items()
    )


def source_digest(spec: ModelSpec) -> str:
    """Sixteen hexadecimal digits that change whenever the source's content or our treatment of it does."""
    source = spec.source
    if source is None:
        raise WeightsError(f"{spec.name} has no weights.")
    identity: dict[str, object] = {"recipe": RECIPE, **source.model_dump()}
    if isinstance(source, PackageSource) or (isinstance(source, LocalSource) and source.file is not None):
        identity["sha256"] = sha256_of(gguf_of(source))
        identity["dtype"] = _dtype(spec)
    elif isinstance(source, LocalSource):
        # Only with an adapter. A big folder's contents would be read each time somebody asks.
        folder = check_folder(Path(source.path))
        identity["files"] = [
            [file.name, file.stat().st_size, file.stat().st_mtime_ns]
            for file in sorted(folder.iterdir())
            if file.is_file()
        ]
    if spec.adapter is not None:
        identity["adapter"] = spec.adapter.model_dump()
        if isinstance(spec.adapter, LocalAdapter):
            identity["adapter_sha256"] = _adapter_digest(Path(spec.adapter.path))
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def gguf_of(source: PackageSource | LocalSource) -> Path:
    """The source's GGUF file. Raises WeightsError."""
    if isinstance(source, PackageSource):
        return package_file(source)
    assert source.file is not None  # noqa: S101 - whoever asks has looked
    path = Path(source.path) / source.file
    if not path.is_file():
        raise WeightsError(f"{path} is not there.")
    return path.resolve()


def _adapter_digest(folder: Path) -> list[str]:
    check_adapter(folder)
    return [sha256_of(folder / name) for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)]


def package_file(source: PackageSource) -> Path:
    """Where the installed package keeps the file. The package is not imported. Raises WeightsError."""
    try:
        files = metadata.files(source.package) or []
    except metadata.PackageNotFoundError:
        raise WeightsError(
            f"The Python package {source.package} is not installed; install the locked requirements again."
        ) from None
    for entry in files:
        if entry.name == source.file:
            path = Path(str(entry.locate()))
            if path.is_file():
                return path.resolve()
    raise WeightsError(f"The Python package {source.package} does not carry {source.file}.")


def check_folder(folder: Path) -> Path:
    """The folder, if an engine can load it without running anybody's pickles. Raises WeightsError."""
    if not folder.is_dir():
        raise WeightsError(f"{folder} is not a folder.")
    if not (folder / "config.json").is_file():
        raise WeightsError(f"{folder} has no config.json: it is not a model in the Hugging Face layout.")
    if not any(folder.glob("*.safetensors")):
        raise WeightsError(f"{folder} has no *.safetensors; pickled weights are not loaded.")
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise WeightsError(f"{folder} has no tokenizer.")
    return folder.resolve()


def _convert(spec: ModelSpec, gguf: Path, making: Path, report: Report) -> None:
    need_space(making.parent, _GROWTH * gguf.stat().st_size + _ROOM_BYTES)
    report(f"{spec.name}: converting {gguf.name} ({gguf.stat().st_size // 1024**2} MB), about half a minute")
    convert_gguf(gguf, making, _dtype(spec))


def _mark(spec: ModelSpec, folder: Path) -> None:
    files = {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file()}
    source = spec.source.model_dump() if spec.source is not None else None
    for file in folder.iterdir():
        to_disk(file)
    (folder / _MARKER).write_text(json.dumps({"source": source, "recipe": RECIPE, "files": files}, indent=1))
    to_disk(folder / _MARKER)


def _dtype(spec: ModelSpec) -> str:
    return str(spec.engine_args.get("dtype", "bfloat16"))


def main(arguments: list[str] | None = None) -> int:
    """Prepare the named models; 0 when all are ready, 1 with one sentence on stderr otherwise."""
    parser = argparse.ArgumentParser(prog="python -m models.weights", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--var-dir", type=Path, default=Path("var"))
    parser.add_argument("--config-dir", type=Path, action="append", default=[], help="more model files")
    parser.add_argument("--spec", action="store_true", help="NAME is a file with a spec as JSON")
    options = parser.parse_args(arguments)
    try:
        if options.spec:
            specs = [ModelSpec.model_validate_json(Path(name).read_bytes()) for name in options.names]
        else:
            catalogue = Catalogue.load(options.config_dir)
            specs = [catalogue.get(name) for name in options.names]
        for spec in specs:
            folder = prepare(spec, options.var_dir, lambda line: print(line, file=sys.stderr, flush=True))
            # The second line names what was found, whatever it is called.
            print(folder or "", flush=True)
            if folder is not None and options.spec:
                print(weights_digest(folder, options.var_dir / "models" / ".digests"), flush=True)
    except (WeightsError, CatalogueError, UnknownModel, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
