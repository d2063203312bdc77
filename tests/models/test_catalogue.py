"""The catalogue loads what is right and says exactly what is wrong."""

from pathlib import Path

import pytest

from models.catalogue import Catalogue, CatalogueError, UnknownModel

GOOD = """
name: mine
revision: r1
title: Mine
engine: simulated
context_window: 1024
max_output_tokens: 100
"""


def refusal(folder: Path, text: str) -> CatalogueError:
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(CatalogueError) as caught:
        Catalogue.load([folder])
    assert caught.value.file == folder / "mine.yaml"
    return caught.value


def test_the_bundled_models_are_there() -> None:
    catalogue = Catalogue.load()
    assert {"smollm2-135m", "simulated", "openai"} <= set(catalogue.names())
    assert {spec.engine for spec in catalogue} == {"vllm", "simulated", "openai"}
    assert "simulated" in catalogue
    assert len(catalogue) == len(catalogue.names())


def test_a_folder_adds_models(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    assert Catalogue.load([tmp_path]).get("mine").title == "Mine"


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        (GOOD.replace("simulated", "magic"), "engine", "vllm"),
        (GOOD + "replicas: {min: 2, max: 1}", "replicas.min", "above"),
        (GOOD + "resources: {gpus: -1}", "resources.gpus", "greater than or equal to 0"),
        (GOOD + "colour: red", "colour", "not permitted"),
        (GOOD.replace("title: Mine", ""), "title", "required"),
        (GOOD + "title: Twice", "", "set twice"),
        ("name: [", "", "not valid YAML"),
        ("- a list", "", "mapping"),
        ("!!python/object/apply:os.system ['true']", "", "not valid YAML"),
    ],
)
def test_a_wrong_file_names_itself_and_its_field(tmp_path: Path, text: str, field: str, said: str) -> None:
    error = refusal(tmp_path, text)
    assert error.field == field
    assert said in error.message
    assert str(tmp_path / "mine.yaml") in str(error)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueError, match="UTF-8"):
        Catalogue.load([tmp_path])


def test_two_files_cannot_claim_one_name(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD.replace("name: mine", "name: simulated"))
    assert error.field == "name"
    assert "simulated.yaml" in error.message


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is not a folder"):
        Catalogue.load([tmp_path / "nowhere"])


def test_an_unknown_model_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match="simulated"):
        Catalogue.load().get("nobody")
