"""What is said while PostgreSQL is away, and what auth does by itself."""

import asyncio

import pytest

from auth import upkeep
from cluster.local.infrastructure import EmbeddedInfrastructure
from core.postgres import Postgres
from tests.auth.process import MakePerson, MovableClock, Process


async def test_who_cannot_be_checked_is_refused_and_let_in_again_when_the_database_is_back(
    process: Process, person: MakePerson, clock: MovableClock, infrastructure: EmbeddedInfrastructure
) -> None:
    kim = await person(process)
    _, key = await process.auth.api_keys.create(kim.user_id, "k", None)
    bearers = [kim.bearer, {"authorization": f"Bearer {key}"}]

    async def statuses() -> list[int]:
        async with process.client() as http:
            return [(await http.get("/v1/probe", headers=bearer)).status_code for bearer in bearers]

    assert await statuses() == [200, 200]
    await asyncio.to_thread(infrastructure.hold, "postgres")
    try:
        clock.move(seconds=5)
        assert await statuses() == [503, 503]
        async with process.client() as http:
            assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 503
            answer = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
            assert answer.status_code == 503
        # What is to be written down is kept for later.
        process.auth.api_keys._uses = {"key_x": clock.now()}
        await process.auth.api_keys.flush_uses()
        assert "key_x" in process.auth.api_keys._uses
    finally:
        await asyncio.to_thread(infrastructure.resume, "postgres")
    async with asyncio.timeout(10):
        while await statuses() != [200, 200]:  # noqa: ASYNC110 - seen from outside only
            await asyncio.sleep(0.1)


async def test_sessions_that_ended_long_ago_are_deleted_and_others_kept(
    process: Process, person: MakePerson, clock: MovableClock, postgres: Postgres
) -> None:
    old = await person(process)
    clock.move(days=40)
    new = await person(process)
    clock.move(days=5)
    await process.auth.sessions.purge()
    count = "SELECT count(*) FROM sessions WHERE user_id = $1"
    assert await postgres.fetchval(count, old.user_id) == 0
    assert await postgres.fetchval(count, new.user_id) == 1


async def test_uses_of_keys_are_written_by_itself_round_after_round(
    process: Process, person: MakePerson, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "ROUND_SECONDS", 0.02)
    kim = await person(process)
    key, text = await process.auth.api_keys.create(kim.user_id, "k", None)
    running = asyncio.create_task(process.auth._upkeep.run())
    try:
        for _ in range(2):
            await postgres.execute("UPDATE api_keys SET last_used_at = NULL WHERE id = $1", key.id)
            await process.auth.authenticate(text)
            async with asyncio.timeout(5):
                while True:
                    at = await postgres.fetchval("SELECT last_used_at FROM api_keys WHERE id = $1", key.id)
                    if at is not None:
                        break
                    await asyncio.sleep(0.02)
    finally:
        running.cancel()
    assert at is not None
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_round_that_fails_does_not_end_the_upkeep(
    process: Process, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(upkeep, "ROUND_SECONDS", 0.01)
    missing = tmp_path_factory.mktemp("keys") / "gone.pem"
    monkeypatch.setattr(process.auth._keyring, "_path", missing)
    running = asyncio.create_task(process.auth._upkeep.run())
    await asyncio.sleep(0.1)
    assert not running.done()
    # The keys that were read before are still there.
    assert process.auth.jwks()["keys"]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
