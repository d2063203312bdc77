import asyncio

from auth.sessions.service import GRACE
from core.postgres import Postgres
from tests.auth.process import MakePerson, MovableClock, Person, Process, Start

AFTER_GRACE = GRACE.total_seconds() + 1


async def refresh(process: Process, token: str) -> tuple[int, str]:
    """The status and the next refresh token."""
    async with process.client() as http:
        answer = await http.post("/api/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json().get("refresh_token", "")


async def bearer_works(process: Process, token: str) -> bool:
    async with process.client() as http:
        return (
            await http.get("/api/auth/me", headers={"authorization": f"Bearer {token}"})
        ).status_code == 200


async def test_a_refresh_gives_a_new_pair_of_tokens_for_the_same_session(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client() as http:
        answer = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
        said = answer.json()
        assert said["refresh_token"] != kim.refresh_token
        assert said["access_token"] != kim.access_token
        before = await http.get("/api/probe", headers=kim.bearer)
        after = await http.get("/api/probe", headers={"authorization": f"Bearer {said['access_token']}"})
    assert before.json() == after.json()


async def test_fifty_refreshes_at_once_give_one_successor_and_no_alarm(
    start: Start, person: MakePerson, postgres: Postgres
) -> None:
    first, second = await start(), await start()
    kim = await person(first)
    answers = await asyncio.gather(
        *(refresh(process, kim.refresh_token) for process in (first, second) for _ in range(25))
    )
    assert {status for status, _ in answers} == {200}
    successors = {token for _, token in answers}
    assert len(successors) == 1
    count = await postgres.fetchval(
        "SELECT count(*) FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id WHERE s.user_id = $1",
        kim.user_id,
    )
    assert count == 2
    assert (await refresh(first, successors.pop()))[0] == 200


async def test_a_slow_tab_gets_the_newest_token_and_not_an_alarm(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    _, second = await refresh(process, kim.refresh_token)
    _, third = await refresh(process, second)
    assert await refresh(process, kim.refresh_token) == (200, third)
    assert (await refresh(process, third))[0] == 200


async def test_reuse_ends_the_whole_family_the_newest_included(
    process: Process, person: MakePerson, clock: MovableClock, postgres: Postgres
) -> None:
    kim = await person(process)
    _, second = await refresh(process, kim.refresh_token)
    clock.move(seconds=AFTER_GRACE)
    _, third = await refresh(process, second)
    async with process.client() as http:
        newest = await http.post("/api/auth/refresh", json={"refresh_token": third})
    access = newest.json()["access_token"]
    assert await bearer_works(process, access)
    clock.move(seconds=AFTER_GRACE)
    assert (await refresh(process, kim.refresh_token))[0] == 401
    assert (await refresh(process, newest.json()["refresh_token"]))[0] == 401
    assert not await bearer_works(process, access)
    assert not await bearer_works(process, kim.access_token)
    reason = await postgres.fetchval("SELECT revoked_reason FROM sessions WHERE user_id = $1", kim.user_id)
    assert reason == "refresh_token_reused"


async def test_reuse_ends_only_its_own_session(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    async with process.client() as http:
        other = (await http.post("/api/auth/login", json=kim.credentials)).json()
    await refresh(process, kim.refresh_token)
    clock.move(seconds=AFTER_GRACE)
    assert (await refresh(process, kim.refresh_token))[0] == 401
    assert await bearer_works(process, other["access_token"])
    assert (await refresh(process, other["refresh_token"]))[0] == 200


async def test_a_session_ends_after_14_idle_days(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    clock.move(days=13.9)
    status, token = await refresh(process, kim.refresh_token)
    assert status == 200
    clock.move(days=14.1)
    assert (await refresh(process, token))[0] == 401


async def test_a_session_ends_after_90_days_however_much_it_is_used(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim: Person = await person(process)
    token = kim.refresh_token
    for _ in range(8):
        clock.move(days=11)
        status, token = await refresh(process, token)
        assert status == 200
    clock.move(days=2.1)
    assert (await refresh(process, token))[0] == 401


async def test_only_hashes_of_refresh_tokens_are_stored(
    process: Process, person: MakePerson, postgres: Postgres
) -> None:
    kim = await person(process)
    rows = await postgres.fetch(
        "SELECT r.* FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id WHERE s.user_id = $1",
        kim.user_id,
    )
    assert [len(row["token_hash"]) for row in rows] == [32]
    assert kim.refresh_token not in str([dict(row) for row in rows])


async def test_texts_that_are_no_refresh_token_are_refused(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    for token in ("", "x", "hrr-" + "A" * 43, kim.access_token[:200], "' OR 1=1 --", "hrr-" + "\u00e9" * 43):
        assert (await refresh(process, token))[0] == 401
    async with process.client() as http:
        assert (await http.post("/api/auth/refresh")).status_code == 401
