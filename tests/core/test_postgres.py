"""Postgres: deadlines for everything, and our errors for the driver's."""

import asyncio

import pytest

from cluster.local.infrastructure import EmbeddedInfrastructure
from core.errors import Conflict, Invalid, Unavailable
from core.postgres import Postgres, UniqueViolation


@pytest.fixture
async def database(postgres_url: str):  # type: ignore[no-untyped-def]
    made = Postgres(postgres_url, size=3, timeout=2)
    await made.start()
    yield made
    await made.stop()


async def test_a_transaction_is_committed_when_its_block_ends_and_rolled_back_when_it_raises(
    database: Postgres,
) -> None:
    await database.execute("CREATE TABLE IF NOT EXISTS core_test (n int PRIMARY KEY)")
    await database.execute("DELETE FROM core_test")
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO core_test VALUES (1)")
    with pytest.raises(KeyError):
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO core_test VALUES (2)")
            raise KeyError
    assert [row["n"] for row in await database.fetch("SELECT n FROM core_test")] == [1]
    with pytest.raises(UniqueViolation):
        await database.execute("INSERT INTO core_test VALUES (1)")
    await database.execute("DROP TABLE core_test")


async def test_json_goes_in_and_comes_out_as_what_it_is(database: Postgres) -> None:
    value = {"a": [1, None, "é"], "b": {"c": 1.5}}
    assert await database.fetchval("SELECT $1::jsonb", value) == value
    assert await database.fetchrow("SELECT 1 AS one WHERE false") is None


async def test_a_pool_that_is_used_up_is_unavailable_within_the_deadline(postgres_url: str) -> None:
    small = Postgres(postgres_url, size=1, timeout=0.3)
    await small.start()
    async with small.connection():
        for call in (
            small.fetch("SELECT 1"),
            small.fetchrow("SELECT 1"),
            small.fetchval("SELECT 1"),
            small.execute("SELECT 1"),
            small.check(),
        ):
            with pytest.raises(Unavailable):
                await asyncio.wait_for(call, 10)
    assert await small.fetchval("SELECT 1") == 1
    await small.stop()


async def test_a_statement_that_takes_too_long_is_unavailable(postgres_url: str) -> None:
    hasty = Postgres(postgres_url, size=2, timeout=0.3)
    await hasty.start()
    with pytest.raises(Unavailable):
        await hasty.fetchval("SELECT pg_sleep(20)")
    assert await hasty.fetchval("SELECT 1") == 1
    await hasty.stop()


async def test_a_connection_that_is_cut_is_unavailable_and_the_next_one_works(database: Postgres) -> None:
    with pytest.raises(Unavailable):
        await database.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await database.fetchval("SELECT 1") == 1


async def test_what_a_request_cannot_say_is_invalid(database: Postgres) -> None:
    for value, kind in (("a\x00b", "text"), (2**40, "int")):
        with pytest.raises(Invalid):
            await database.fetchval(f"SELECT $1::{kind}", value)
    with pytest.raises(Invalid):
        await database.fetchval("SELECT $1::jsonb", {"a": "\x00"})


async def test_two_transactions_that_wait_for_each_other_are_a_conflict(database: Postgres) -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def lock(mine: int, theirs: int, here: asyncio.Event, there: asyncio.Event) -> None:
        async with database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", mine)
            here.set()
            await there.wait()
            await connection.execute("SELECT pg_advisory_xact_lock($1)", theirs)

    results = await asyncio.gather(
        lock(771, 772, first, second), lock(772, 771, second, first), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    assert any(isinstance(result, Conflict) for result in results)


async def test_a_database_that_nobody_runs_is_unavailable_at_the_start() -> None:
    nobody = Postgres("postgresql://x:y@127.0.0.1:9/z", timeout=2)
    with pytest.raises(Unavailable) as away:
        await asyncio.wait_for(nobody.start(), 10)
    assert away.value.retry_after
    with pytest.raises(Unavailable):
        await nobody.fetch("SELECT 1")
    await nobody.stop()


async def test_a_wrong_password_is_unavailable_and_not_repeated(postgres_url: str) -> None:
    wrong = Postgres(postgres_url.replace("postgresql://headrace:", "postgresql://headrace:hunter2"))
    with pytest.raises(Unavailable) as refused:
        await wrong.start()
    assert "hunter2" not in refused.value.detail


async def test_a_database_that_goes_away_and_comes_back_is_used_again(
    infrastructure: EmbeddedInfrastructure, database: Postgres
) -> None:
    assert await database.fetchval("SELECT 1") == 1
    await asyncio.to_thread(infrastructure.hold, "postgres")
    try:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await asyncio.wait_for(database.fetchval("SELECT 1"), 10)
    finally:
        await asyncio.to_thread(infrastructure.resume, "postgres")
    async with asyncio.timeout(20):
        while True:
            try:
                assert await database.fetchval("SELECT 1") == 1
                break
            except Unavailable:
                await asyncio.sleep(0.1)
    await database.check()


async def test_what_a_session_holds_ends_with_its_connection(postgres_url: str) -> None:
    one = Postgres(postgres_url, size=1)
    other = Postgres(postgres_url, size=1)
    await one.start()
    await other.start()
    try:
        async with one.connection() as connection:
            assert await connection.fetchval("SELECT pg_try_advisory_lock(4711)")
            await connection.execute("SET application_name = 'somebody'")
            assert not await other.fetchval("SELECT pg_try_advisory_xact_lock(4711)")
        assert await other.fetchval("SELECT pg_try_advisory_xact_lock(4711)")
        assert await one.fetchval("SELECT current_setting('application_name')") != "somebody"
    finally:
        await one.stop()
        await other.stop()


async def test_a_query_is_one_statement_and_nothing_is_reset_behind_it(postgres_url: str) -> None:
    database = Postgres(postgres_url, size=1)
    await database.start()
    try:
        resets = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query = 'RESET ALL'"
        process = await database.fetchval("SELECT pg_backend_pid()")
        before = await database.fetchval(resets)
        for _ in range(5):
            await database.fetchval("SELECT 1")
            async with database.transaction() as connection:
                assert await connection.fetchval("SELECT pg_backend_pid()") == process
        # Other processes on this server may reset theirs now and then, but not ten times as fast as this.
        assert await database.fetchval(resets) - before < 5
    finally:
        await database.stop()
