import asyncio

import pytest

from auth.live_cache import LIVE_SECONDS
from auth.principal import Role
from cluster.local.infrastructure import EmbeddedInfrastructure
from core.keyvalue import KeyValue
from tests.auth.process import MakePerson, MovableClock, Person, Process, Start


async def status(process: Process, person: Person) -> int:
    async with process.client() as http:
        return (await http.get("/api/auth/me", headers=person.bearer)).status_code


async def became(wanted: int, process: Process, person: Person, within: float = 5.0) -> bool:
    """Whether the answer becomes `wanted` within so many seconds."""
    async with asyncio.timeout(within):
        while await status(process, person) != wanted:  # noqa: ASYNC110 - seen from outside only
            await asyncio.sleep(0.02)
    return True


async def settled() -> None:
    """Long enough for a subscription to be there."""
    await asyncio.sleep(0.3)


async def test_after_signing_out_the_access_token_is_dead_in_every_process(
    start: Start, person: MakePerson
) -> None:
    here, there = await start(), await start()
    await settled()
    kim = await person(here)
    assert await status(there, kim) == 200
    async with here.client() as http:
        await http.post("/api/auth/logout", headers=kim.bearer)
    assert await status(here, kim) == 401
    assert await became(401, there, kim)


async def test_without_announcements_a_dead_session_is_dead_when_its_cache_entry_has_aged(
    start: Start, person: MakePerson, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LIVE_SECONDS < 5
    here, there = await start(), await start()
    kim = await person(here)
    assert await status(there, kim) == 200

    async def lost(*_: object) -> None:
        return None

    monkeypatch.setattr(KeyValue, "publish", lost)
    async with here.client() as http:
        await http.post("/api/auth/logout", headers=kim.bearer)
    clock.move(seconds=5)
    assert await status(there, kim) == 401


async def test_signing_out_works_while_valkey_is_away(
    start: Start, person: MakePerson, clock: MovableClock, infrastructure: EmbeddedInfrastructure
) -> None:
    here, there = await start(), await start()
    kim = await person(here)
    assert await status(there, kim) == 200
    await asyncio.to_thread(infrastructure.hold, "valkey")
    try:
        async with here.client() as http:
            assert (await http.post("/api/auth/logout", headers=kim.bearer)).status_code == 204
        assert await status(here, kim) == 401
        clock.move(seconds=5)
        assert await status(there, kim) == 401
    finally:
        await asyncio.to_thread(infrastructure.resume, "valkey")


async def test_announcements_come_again_after_valkey_was_away(
    start: Start, person: MakePerson, infrastructure: EmbeddedInfrastructure
) -> None:
    here, there = await start(), await start()
    kim = await person(here)
    await asyncio.to_thread(infrastructure.hold, "valkey")
    await asyncio.to_thread(infrastructure.resume, "valkey")
    heard = asyncio.Event()
    there.auth._revocations.listen(lambda *_: heard.set(), lambda: None)
    async with asyncio.timeout(15):
        while not heard.is_set():
            await here.auth.accounts.set_role(kim.email, Role.USER)
            await asyncio.sleep(0.2)
    assert await status(there, kim) == 200


async def test_disabling_a_person_ends_sessions_and_keys_and_enabling_brings_no_session_back(
    start: Start, person: MakePerson
) -> None:
    here, there = await start(), await start()
    await settled()
    kim = await person(here)
    async with here.client() as http:
        key = (await http.post("/api/keys", json={"name": "k"}, headers=kim.bearer)).json()["key"]
    by_key = Person("", "", "", kim.user_id, key, "")

    async def key_status() -> int:
        async with there.client() as http:
            return (await http.get("/v1/probe", headers=by_key.bearer)).status_code

    assert await status(there, kim) == 200
    assert await key_status() == 200
    await here.auth.accounts.set_active(kim.email, active=False)
    assert await became(401, there, kim)
    assert await key_status() == 401
    async with here.client() as http:
        again = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
        assert again.status_code == 401
    await here.auth.accounts.set_active(kim.email, active=True)
    assert await status(here, kim) == 401
    async with here.client() as http:
        again = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
        assert again.status_code == 401
        assert (await http.post("/api/auth/login", json=kim.credentials)).status_code == 200


async def test_a_demoted_administrator_has_lost_the_power_at_the_next_request(
    start: Start, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = await start(), await start()
    kim = await person(here)

    async def lost(*_: object) -> None:
        return None

    monkeypatch.setattr(KeyValue, "publish", lost)

    async def admitted() -> int:
        async with there.client() as http:
            return (await http.get("/api/admin/probe", headers=kim.bearer)).status_code

    assert await admitted() == 403
    await here.auth.accounts.set_role(kim.email, Role.ADMIN)
    assert await admitted() == 200
    await here.auth.accounts.set_role(kim.email, Role.USER)
    assert await admitted() == 403


async def test_ending_all_sessions_keeps_the_one_that_asks(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    async with process.client() as http:
        other = (await http.post("/api/auth/login", json=kim.credentials)).json()
        session = (await http.get("/api/probe", headers=kim.bearer)).json()["session_id"]
    await process.auth.sessions.end_all_of(kim.user_id, "signed_out_elsewhere", keep=session)
    assert await status(process, kim) == 200
    ended = Person("", "", "", "", other["access_token"], "")
    assert await status(process, ended) == 401


async def test_a_process_stops_cleanly_at_whatever_moment(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for turns in range(0, 60, 3):
        process = await start()
        await process.auth.stop()
        await process.auth._revocations.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await process.auth._revocations.stop()
        assert process.auth._revocations._task is None


async def test_announcements_that_make_no_sense_are_passed_over(
    start: Start, person: MakePerson, keyvalue: KeyValue
) -> None:
    here, there = await start(), await start()
    await settled()
    kim = await person(here)
    assert await status(there, kim) == 200
    for payload in (b"", b"[]", b"{}", b'{"kind":"all","id":"x"}', b"\xff", b'{"kind":"session"}', b"1"):
        await keyvalue.publish("headrace:auth", payload)
    async with here.client() as http:
        await http.post("/api/auth/logout", headers=kim.bearer)
    assert await became(401, there, kim)
