"""Instances in folders of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.local import leftovers
from cluster.local.directory import VarDirectory


@pytest.fixture
def var(tmp_path: Path) -> Iterator[VarDirectory]:
    """An instance whose processes are all gone afterwards, whatever a test did."""
    directory = VarDirectory(tmp_path / "var")
    directory.create()
    yield directory
    leftovers.end_all(directory, grace=0.0)
