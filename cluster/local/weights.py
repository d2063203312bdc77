"""Which wanted models need weights on disk, and getting them there in a process of its own."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from cluster.local import command
from cluster.local.directory import REPOSITORY, VarDirectory
from cluster.local.errors import ClusterError


def missing(names: Iterable[str], var: VarDirectory) -> list[str]:
    """The wanted models whose weights are not ready. Raises ClusterError for a wrong model file."""
    from models.catalogue import Catalogue, CatalogueError, UnknownModel
    from models.errors import WeightsError
    from models.weights import ready_folder

    folders = [Path(part) for part in os.environ.get("HEADRACE_MODEL_CONFIG_DIRS", "").split(",") if part]
    try:
        catalogue = Catalogue.load(folders)
        specs = [catalogue.get(name) for name in names]
        return [s.name for s in specs if s.source is not None and ready_folder(s, var.root) is None]
    except (CatalogueError, UnknownModel, WeightsError) as error:
        raise ClusterError(str(error)) from error


def prepare(name: str, var: VarDirectory, show: Callable[[str], None]) -> None:
    """Make the weights of one model ready. Raises ClusterError with what the preparation said last."""
    folders = [part for part in os.environ.get("HEADRACE_MODEL_CONFIG_DIRS", "").split(",") if part]
    command.run(
        [
            *(sys.executable, "-m", "models.weights", name, "--var-dir", str(var.root)),
            *(argument for folder in folders for argument in ("--config-dir", folder)),
        ],
        doing=f"Preparing the weights of {name}",
        log=var.logs / "weights.log",
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        show=show,
    )
