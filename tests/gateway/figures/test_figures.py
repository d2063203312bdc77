"""What revisions did is counted once, whatever the database does, and added up over all processes."""

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import SystemClock
from core.errors import Unavailable
from core.postgres import Postgres
from gateway.figures.recorder import FigureRecorder
from gateway.figures.repository import FigureRepository
from gateway.figures.tables import LAST_BUCKET, Figures, bucket_of, longest_of
from gateway.inference import Target
from gateway.usage.tables import Tokens


def target(revision: str = "r1") -> Target:
    return Target("m", revision, "simulated", f"/m/m/{revision}", 1024, 256)


@pytest.fixture
def repository(postgres: Postgres) -> FigureRepository:
    return FigureRepository(postgres)


@pytest.fixture
def recorder(repository: FigureRepository) -> FigureRecorder:
    return FigureRecorder(repository, SystemClock())


LONG_AGO = datetime.now(UTC) - timedelta(days=1)


async def test_two_processes_add_up(repository: FigureRepository) -> None:
    for _ in range(2):
        one = FigureRecorder(repository, SystemClock())
        one.saw(target(), failed=False, wait=0.2, tokens=Tokens(10, 20))
        one.saw(target(), failed=True, wait=None, tokens=Tokens(1, 0))
        one.saw(target("r2"), failed=False, wait=3.0, tokens=Tokens(5, 5))
        await one.flush()
        await one.flush()
    found = await repository.since(LONG_AGO, "m")
    assert found["m", "r1"] == Figures(4, 2, 22, 40, {bucket_of(0.2): 2})
    assert found["m", "r2"] == Figures(2, 0, 10, 10, {bucket_of(3.0): 2})
    assert await repository.since(LONG_AGO, "another") == {}
    assert await repository.since(datetime.now(UTC) + timedelta(minutes=2)) == {}


async def test_what_could_not_be_written_is_written_later_and_once(
    recorder: FigureRecorder, repository: FigureRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise Unavailable

    recorder.saw(target(), failed=False, wait=0.5, tokens=Tokens(1, 2))
    with monkeypatch.context() as broken:
        broken.setattr(repository, "add", away)
        with pytest.raises(Unavailable):
            await recorder.flush()
    recorder.saw(target(), failed=False, wait=0.5, tokens=Tokens(1, 2))
    await recorder.flush()
    found = await repository.since(LONG_AGO)
    assert found["m", "r1"] == Figures(2, 0, 2, 4, {bucket_of(0.5): 2})


async def test_stopping_writes_what_is_left(recorder: FigureRecorder, repository: FigureRepository) -> None:
    await recorder.start()
    recorder.saw(target(), failed=False, wait=None, tokens=Tokens(0, 0))
    await recorder.stop()
    assert (await repository.since(LONG_AGO))["m", "r1"].requests == 1


@pytest.mark.parametrize("seconds", [0.0005, 0.001, 0.01, 0.0997, 0.1, 1.0, 59.0, 999.0])
def test_a_wait_is_no_longer_than_the_end_of_its_bucket(seconds: float) -> None:
    bucket = bucket_of(seconds)
    assert seconds <= longest_of(bucket) * 1.0001
    if 0 < bucket < LAST_BUCKET:
        assert seconds * 1.0001 >= longest_of(bucket - 1)


def test_a_wait_without_end_is_in_the_last_bucket() -> None:
    assert bucket_of(1e9) == LAST_BUCKET


def test_quantiles_and_long_waits() -> None:
    waits = {bucket_of(0.1): 90, bucket_of(0.9): 8, bucket_of(20): 2}
    figures = Figures(requests=100, waits=waits)
    assert figures.wait_quantile(0.5) == longest_of(bucket_of(0.1))
    assert figures.wait_quantile(0.95) == longest_of(bucket_of(0.9))
    assert figures.wait_quantile(1.0) == longest_of(bucket_of(20))
    assert Figures().wait_quantile(0.5) is None
    assert figures.waited_longer(longest_of(bucket_of(0.1))) == 10
    assert figures.waited_longer(longest_of(bucket_of(0.9))) == 2


def test_figures_are_added_and_taken_away() -> None:
    one = Figures(3, 1, 10, 20, {5: 2, 7: 1}, 1, 0)
    other = Figures(2, 0, 5, 5, {5: 1}, 0, 1)
    assert one + other == Figures(5, 1, 15, 25, {5: 3, 7: 1}, 1, 1)
    assert (one + other) - other == one
