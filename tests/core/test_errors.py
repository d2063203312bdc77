"""Errors: each has a code of its own, a status, and a sentence a person can act on."""

import pytest

from core import errors
from core.errors import HeadraceError

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HeadraceError)]


@pytest.mark.parametrize("kind", ALL)
def test_an_error_says_everything_without_being_told(kind: type[HeadraceError]) -> None:
    error = kind()
    assert 400 <= error.status < 600
    assert error.code == error.code.lower()
    assert error.title
    assert error.detail.endswith(".")
    assert str(error) == error.detail
    if error.status in (429, 503):
        assert error.retry or error.code == "model_not_configured"


# Only the gateway tells these from their parents; to a person they are the same.
NARROWER = {errors.EngineLost: errors.EngineFailed, errors.NoReplica: errors.ModelNotReady}


def test_codes_are_not_shared() -> None:
    codes = [kind.code for kind in ALL if kind not in NARROWER]
    assert len(codes) == len(set(codes))
    for kind, parent in NARROWER.items():
        assert (kind.__base__, kind.code, kind.status) == (parent, parent.code, parent.status)
