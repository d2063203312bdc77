"""Which models exist: every YAML file of the catalogue's folders, loaded and checked at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from models.spec import ModelSpec, first_complaint

BUNDLED = Path(__file__).parent / "configs"


class CatalogueError(Exception):
    """A model's file is wrong. `file` and `field` say where; `field` is empty when the whole file is."""

    def __init__(self, message: str, file: Path, field: str = "") -> None:
        self.message, self.file, self.field = message, file, field
        where = f"{file}: {field}" if field else str(file)
        super().__init__(f"{where}: {message}")


class UnknownModel(Exception):
    """Nobody configured a model of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(
            f"There is no model named {name!r}; there are: {', '.join(sorted(known)) or 'none'}."
        )


class Catalogue:
    """The configured models by their public name."""

    def __init__(self, specs: Iterable[ModelSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}

    @classmethod
    def load(cls, dirs: Iterable[Path] = ()) -> "Catalogue":
        """The bundled models and those of `dirs` (one `*.yaml` file each).

        Raises CatalogueError for the first file that is wrong, for a folder that is not there and for a name
        that two files claim.
        """
        specs: dict[str, ModelSpec] = {}
        origin: dict[str, Path] = {}
        for folder in (BUNDLED, *dirs):
            if not folder.is_dir():
                raise CatalogueError("is not a folder", folder)
            for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
                spec = load_spec(file)
                if spec.name in specs:
                    raise CatalogueError(f"{spec.name!r} is already in {origin[spec.name]}", file, "name")
                specs[spec.name], origin[spec.name] = spec, file
        return cls(specs.values())

    def get(self, name: str) -> ModelSpec:
        """The model's spec. Raises UnknownModel."""
        try:
            return self._specs[name]
        except KeyError:
            raise UnknownModel(name, self._specs) from None

    def names(self) -> list[str]:
        return sorted(self._specs)

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._specs


def load_spec(file: Path) -> ModelSpec:
    """One file's spec. Raises CatalogueError."""
    try:
        raw: Any = yaml.load(file.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise CatalogueError(f"cannot be read: {error.strerror}", file) from error
    except UnicodeDecodeError as error:
        raise CatalogueError("is not UTF-8 text", file) from error
    except yaml.YAMLError as error:
        raise CatalogueError(f"is not valid YAML: {_yaml_complaint(error)}", file) from error
    if not isinstance(raw, dict):
        raise CatalogueError("must be a mapping of settings", file)
    try:
        return ModelSpec.model_validate(raw)
    except ValidationError as error:
        field, message = first_complaint(error)
        raise CatalogueError(message, file, field) from error


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; a setting written twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is set twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _yaml_complaint(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} (line {error.problem_mark.line + 1})"
    return str(error)
