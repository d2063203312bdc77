"""Weights are ready whole or not at all, whoever else is at work and whatever goes wrong."""

import json
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from models import disk, weights
from models.digests import weights_digest
from models.errors import WeightsError
from models.spec import ModelSpec
from models.weights import is_ready, main, package_file, prepare, ready_folder, source_digest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that carries a weights file, and would end the process if it were imported."""
    site = tmp_path / "site"
    home = site / "tiny_weights"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text("raise SystemExit('imported')")
    (home / "tiny.gguf").write_bytes(b"GGUF" + bytes(1000))
    info = site / "tiny_weights-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
    (info / "RECORD").write_text("tiny_weights/__init__.py,,\ntiny_weights/tiny.gguf,,\n")
    monkeypatch.syspath_prepend(str(site))
    return home


def spec_of(source: dict[str, Any]) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "name": "tiny",
            "revision": "r1",
            "title": "Tiny",
            "engine": "vllm",
            "source": source,
            "context_window": 64,
            "max_output_tokens": 16,
        }
    )


TINY = {"kind": "package", "package": "tiny-weights", "file": "tiny.gguf"}


def fill(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(10))
    (folder / "tokenizer.json").write_text("{}")


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stands in for transformers, which the test of the real model uses; remembers what it was asked."""
    made: list[Path] = []

    def convert(gguf: Path, making: Path, dtype: str) -> None:
        assert gguf.read_bytes()[:4] == b"GGUF"
        making.mkdir()
        fill(making)
        made.append(making)

    monkeypatch.setattr(weights, "convert_gguf", convert)
    return made


def test_a_package_is_read_without_importing_it(package: Path) -> None:
    source = spec_of(TINY).source
    assert source is not None
    assert source.kind == "package"
    assert package_file(source) == package / "tiny.gguf"


def test_a_missing_package_or_file_is_one_sentence(package: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not installed"):
        prepare(spec_of({**TINY, "package": "nobody-made-this"}), tmp_path)
    with pytest.raises(WeightsError, match=r"does not carry other\.gguf"):
        prepare(spec_of({**TINY, "file": "other.gguf"}), tmp_path)


def test_ready_weights_are_not_made_again(package: Path, tmp_path: Path, converted: list[Path]) -> None:
    spec = spec_of(TINY)
    assert ready_folder(spec, tmp_path) is None
    first = prepare(spec, tmp_path)
    assert first == tmp_path / "models" / "tiny" / source_digest(spec)
    assert prepare(spec, tmp_path) == first == ready_folder(spec, tmp_path)
    assert len(converted) == 1


def test_other_bytes_in_the_package_are_other_weights(package: Path) -> None:
    before = source_digest(spec_of(TINY))
    (package / "tiny.gguf").write_bytes(b"GGUF" + bytes(1001))
    assert source_digest(spec_of(TINY)) != before


def test_a_damaged_folder_is_made_anew(package: Path, tmp_path: Path, converted: list[Path]) -> None:
    folder = prepare(spec_of(TINY), tmp_path)
    assert folder is not None
    (folder / "model.safetensors").write_bytes(b"")
    assert not is_ready(folder)
    assert prepare(spec_of(TINY), tmp_path) == folder
    assert is_ready(folder)
    assert len(converted) == 2


def test_a_failure_leaves_nothing_half_made(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(gguf: Path, making: Path, dtype: str) -> None:
        making.mkdir()
        (making / "config.json").write_text("{}")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "convert_gguf", fail)
    with pytest.raises(OSError, match="No space left"):
        prepare(spec_of(TINY), tmp_path)
    assert [entry.name for entry in (tmp_path / "models" / "tiny").iterdir()] == [".lock"]


def test_what_an_earlier_process_left_half_made_is_removed(
    package: Path, tmp_path: Path, converted: list[Path]
) -> None:
    left = tmp_path / "models" / "tiny" / ".making-0123456789abcdef"
    left.mkdir(parents=True)
    prepare(spec_of(TINY), tmp_path)
    assert not left.exists()


def test_a_full_disk_is_one_sentence_before_anything_is_written(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 99, 1))
    with pytest.raises(WeightsError, match="make room"):
        prepare(spec_of(TINY), tmp_path)
    assert [entry.name for entry in (tmp_path / "models" / "tiny").iterdir()] == [".lock"]


def test_another_process_at_work_is_waited_for(package: Path, tmp_path: Path, converted: list[Path]) -> None:
    home = tmp_path / "models" / "tiny"
    home.mkdir(parents=True)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl,sys,time; f=open(sys.argv[1],'w'); fcntl.flock(f,fcntl.LOCK_EX); "
            "print('held',flush=True); time.sleep(1)",
            str(home / ".lock"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    said: list[str] = []
    prepare(spec_of(TINY), tmp_path, said.append)
    assert holder.wait(5) == 0
    assert any("waiting" in line for line in said)
    holder.stdout.close()


def test_waiting_for_another_process_has_an_end(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOCK_TIMEOUT_S", 0.3)
    home = tmp_path / "models" / "tiny"
    home.mkdir(parents=True)
    with (home / ".lock").open("w") as lock:
        disk.fcntl.flock(lock, disk.fcntl.LOCK_EX)
        started = time.monotonic()
        with pytest.raises(WeightsError, match="end it first"):
            prepare(spec_of(TINY), tmp_path)
        assert time.monotonic() > started


def test_a_local_folder_has_to_be_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "local"
    spec = spec_of({"kind": "local", "path": str(folder)})
    with pytest.raises(WeightsError, match="is not a folder"):
        prepare(spec, tmp_path)
    folder.mkdir()
    with pytest.raises(WeightsError, match=r"config\.json"):
        prepare(spec, tmp_path)
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(WeightsError, match="pickled weights"):
        prepare(spec, tmp_path)
    fill(folder)
    assert prepare(spec, tmp_path) == folder


def test_a_gguf_file_in_a_folder_is_converted_like_one_of_a_package(
    tmp_path: Path, converted: list[Path]
) -> None:
    spec = spec_of({"kind": "local", "path": str(tmp_path / "mine"), "file": "own.gguf"})
    with pytest.raises(WeightsError, match=r"own\.gguf is not there"):
        prepare(spec, tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.gguf").write_bytes(b"GGUF" + bytes(500))
    folder = prepare(spec, tmp_path)
    assert folder == tmp_path / "models" / "tiny" / source_digest(spec) == ready_folder(spec, tmp_path)
    assert prepare(spec, tmp_path) == folder
    assert len(converted) == 1
    (tmp_path / "mine" / "own.gguf").write_bytes(b"GGUF" + bytes(501))
    assert prepare(spec, tmp_path) != folder


def test_an_unreachable_hub_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(self: object, *args: object, **kwargs: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    spec = spec_of({"kind": "hub", "repo": "some/model", "revision": "a" * 40})
    with pytest.raises(WeightsError, match=r"could not be downloaded .*no route to host"):
        prepare(spec, tmp_path)


def test_an_engine_without_weights_needs_none(tmp_path: Path) -> None:
    spec = ModelSpec.model_validate(
        {
            "name": "sim",
            "revision": "r1",
            "title": "Sim",
            "engine": "simulated",
            "context_window": 64,
            "max_output_tokens": 16,
        }
    )
    assert prepare(spec, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_the_folder_and_fails_in_one_sentence(
    package: Path, tmp_path: Path, converted: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spec.json"
    file.write_text(spec_of(TINY).model_dump_json())
    assert main(["--spec", str(file), "--var-dir", str(tmp_path)]) == 0
    line, digest = capsys.readouterr().out.strip().splitlines()
    folder = Path(line)
    assert digest == weights_digest(folder, tmp_path / "models" / ".digests")
    assert json.loads((folder / "headrace.json").read_text())["source"] == TINY
    assert main(["nobody", "--var-dir", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_bundled_model_is_in_the_locked_requirements() -> None:
    from models.catalogue import Catalogue

    source = Catalogue.load().get("smollm2-135m").source
    assert source is not None
    assert source.kind == "package"
    assert package_file(source).stat().st_size > 50_000_000
    assert f"{source.package}==" in (ROOT / "requirements" / "cpu.txt").read_text()
