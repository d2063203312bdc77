"""Get a model's weights ready on disk: `<var>/models/<name>/<digest>/`, in the Hugging Face layout.

A folder of that name is either whole or not there: it is made beside its place, checked, and renamed.
`python -m models.weights NAME` does it by hand.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from models.catalogue import Catalogue, CatalogueError, UnknownModel
from models.spec import HubSource, LocalSource, ModelSpec, PackageSource

Report = Callable[[str], None]

LOCK_TIMEOUT_S = 900.0
# Raise it when what a source is turned into changes: the digest follows, and old folders are made anew.
RECIPE = 1
_MARKER = "headrace.json"
_GIB = 1024**3
# A 4-bit GGUF grows fourfold in bfloat16; the rest is room for the tokenizer and rounding.
_GROWTH = 4
_ROOM_BYTES = 64 * 1024**2


class WeightsError(Exception):
    """The weights cannot be made ready; the message says what to do."""


def prepare(spec: ModelSpec, var_dir: Path, report: Report = lambda line: None) -> Path | None:
    """The folder of the spec's weights, made ready if it is not yet; None for an engine without weights.

    Another process that prepares the same model is waited for. Raises WeightsError; nothing half-made stays,
    except a hub download, which goes on from there the next time.
    """
    source = spec.source
    if source is None:
        return None
    if isinstance(source, LocalSource):
        return check_folder(Path(source.path))
    home = var_dir.resolve() / "models" / spec.name
    target = home / source_digest(spec)
    if is_ready(target):
        return target
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home, report):
        if is_ready(target):
            return target
        making = home / f".making-{target.name}"
        if isinstance(source, PackageSource):
            for leftover in home.glob(".making-*"):
                shutil.rmtree(leftover)
            if target.exists():
                shutil.rmtree(target)
            try:
                _convert_package(spec, source, making, report)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
        else:
            _download(source, making, report)
        check_folder(making)
        _mark(spec, making)
        making.replace(target)
    report(f"{spec.name}: weights are ready")
    return target


def ready_folder(spec: ModelSpec, var_dir: Path) -> Path | None:
    """The folder `prepare` made, or None when it has not (or the engine has no weights). Writes nothing."""
    if spec.source is None:
        return None
    if isinstance(spec.source, LocalSource):
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
    if isinstance(source, PackageSource):
        identity["sha256"] = _sha256(package_file(source))
        identity["dtype"] = _dtype(spec)
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


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


def _convert_package(spec: ModelSpec, source: PackageSource, making: Path, report: Report) -> None:
    gguf = package_file(source)
    _need_space(making.parent, _GROWTH * gguf.stat().st_size + _ROOM_BYTES)
    report(
        f"{spec.name}: converting {source.file} ({gguf.stat().st_size // 1024**2} MB), about half a minute"
    )
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    making.mkdir()
    # Without dequantize=True transformers keeps blocks that it cannot save.
    model = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent),
        gguf_file=gguf.name,
        dtype=_dtype(spec),
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(str(making))
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    if not tokenizer.chat_template:
        raise WeightsError(f"{source.file} has no chat template, so it cannot hold a conversation.")
    tokenizer.save_pretrained(str(making))


def _download(source: HubSource, making: Path, report: Report) -> None:
    report(f"downloading {source.repo} at {source.revision[:12]} (goes on where it stopped before)")
    from huggingface_hub import HfApi, snapshot_download

    wanted = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.model", "*.txt", "*.jinja"]
    try:
        info = HfApi().model_info(source.repo, revision=source.revision, files_metadata=True, timeout=30)
        size = sum(file.size or 0 for file in info.siblings or [] if not file.rfilename.endswith(".bin"))
        done = (
            sum(file.stat().st_size for file in making.rglob("*") if file.is_file()) if making.exists() else 0
        )
        _need_space(making.parent, max(size - done, 0) + _ROOM_BYTES)
        snapshot_download(
            source.repo,
            revision=source.revision,
            local_dir=str(making),
            allow_patterns=wanted,
            etag_timeout=30,
        )
    except WeightsError:
        raise
    except Exception as error:  # The hub client raises a dozen kinds, all meaning one thing here.
        raise WeightsError(
            f"{source.repo} could not be downloaded ({type(error).__name__}: {_one_line(error)}); "
            "check the connection, the name and HF_TOKEN, then try again."
        ) from error
    shutil.rmtree(making / ".cache", ignore_errors=True)


def _mark(spec: ModelSpec, folder: Path) -> None:
    files = {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file()}
    source = spec.source.model_dump() if spec.source is not None else None
    for file in folder.iterdir():
        _to_disk(file)
    (folder / _MARKER).write_text(json.dumps({"source": source, "recipe": RECIPE, "files": files}, indent=1))
    _to_disk(folder / _MARKER)


def _to_disk(file: Path) -> None:
    # A rename can reach the disk before the bytes do; after a power cut the folder would look whole.
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _only_one(home: Path, report: Report) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with (home / ".lock").open("w") as lock:
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WeightsError(
                        f"Another process has been preparing {home.name} for {LOCK_TIMEOUT_S:.0f} s; "
                        "end it first."
                    ) from None
                if not told:
                    report(f"{home.name}: another process is preparing the weights, waiting")
                    told = True
                time.sleep(0.2)
        yield


def _need_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsError(
            f"The weights need {needed / _GIB:.1f} GiB in {folder}, which has {free / _GIB:.1f} GiB free; "
            "make room."
        )


def _dtype(spec: ModelSpec) -> str:
    return str(spec.engine_args.get("dtype", "bfloat16"))


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


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
            print(folder or "", flush=True)
    except (WeightsError, CatalogueError, UnknownModel, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
