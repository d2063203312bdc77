"""A folder's digest says what is in it, and reads gigabytes only once."""

import os
from pathlib import Path

import pytest

from models import digests
from models.digests import weights_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "weights"
    found.mkdir()
    (found / "model.safetensors").write_bytes(bytes(1000))
    (found / "config.json").write_text("{}")
    (found / "tokenizer.json").write_text("{}")
    return found


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"]
)
def test_every_file_that_makes_the_model_counts(folder: Path, tmp_path: Path, name: str) -> None:
    before = weights_digest(folder, tmp_path / "cache")
    assert len(before) == 64
    (folder / name).write_bytes(b"other")
    assert weights_digest(folder, tmp_path / "cache") != before


def test_the_place_does_not_count_and_neither_does_what_is_no_part_of_it(
    folder: Path, tmp_path: Path
) -> None:
    before = weights_digest(folder, tmp_path / "cache")
    (folder / "README.md").write_text("About it")
    (folder / "headrace.json").write_text("{}")
    assert weights_digest(folder.rename(tmp_path / "elsewhere"), tmp_path / "cache") == before


def test_a_file_that_has_not_changed_is_not_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    really = digests.sha256_of

    def counted(file: Path) -> str:
        read.append(file.name)
        return really(file)

    monkeypatch.setattr(digests, "sha256_of", counted)
    first = weights_digest(folder, tmp_path / "cache")
    assert weights_digest(folder, tmp_path / "cache") == first
    assert sorted(read) == ["config.json", "model.safetensors", "tokenizer.json"]
    # Of the same size, but written anew.
    (folder / "config.json").write_text("[]")
    os.utime(folder / "config.json", ns=(1, 1))
    assert weights_digest(folder, tmp_path / "cache") != first
    assert read[3:] == ["config.json"]


def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path) -> None:
    first = weights_digest(folder, tmp_path / "cache")
    (remembered,) = (tmp_path / "cache").iterdir()
    remembered.write_bytes(b"{")
    assert weights_digest(folder, tmp_path / "cache") == first
