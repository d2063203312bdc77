"""The instance under drill, and the figures that each drill prints at the end of the run."""

import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from core.postgres import Postgres
from tests.drills.instance import Instance
from tests.stack.conftest import Stack, stack

__all__ = ["stack"]

FIGURES: list[str] = []

Note = Callable[[str], None]


@pytest.fixture(scope="session")
def long() -> bool:
    """Whether the drills run in their long form."""
    return os.environ.get("HEADRACE_DRILL") == "long"


@pytest.fixture(scope="session")
def instance(stack: Stack) -> Instance:
    return Instance(stack)


@pytest.fixture
async def database(instance: Instance) -> AsyncIterator[Postgres]:
    """What is stored, past every gateway."""
    postgres = Postgres(instance.environment["DATABASE_URL"], size=2)
    await postgres.start()
    yield postgres
    await postgres.stop()


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[Note]:
    """Print a figure at the end of the run, whether the drill passes or not."""
    FIGURES.append(f"{request.node.name}:")
    yield lambda figure: FIGURES.append(f"  {figure}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("figures of the drills")
        for line in FIGURES:
            terminalreporter.write_line(line)
