import asyncio
import secrets

import pytest

from auth.limits import sign_in
from cluster.local.infrastructure import EmbeddedInfrastructure
from tests.auth.process import PASSWORD, MakePerson, Person, Process, Start


def new_address() -> str:
    return f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


async def attempt(process: Process, email: str, password: str, address: str, **headers: str) -> int:
    async with process.client(address=address, **headers) as http:
        answer = await http.post("/api/auth/login", json={"email": email, "password": password})
    if answer.status_code == 429:
        assert int(answer.headers["retry-after"]) >= 1
    return answer.status_code


async def test_one_address_that_tries_a_thousand_people_is_throttled(start: Start) -> None:
    process, address = await start(logins_per_minute=10), new_address()
    statuses = [await attempt(process, f"{n}@example.com", PASSWORD, address) for n in range(1000)]
    assert statuses.count(401) == 10
    assert statuses.count(429) == 990
    assert process.hasher.calls == 10


async def test_the_limit_holds_for_tries_at_the_same_moment_and_across_processes(start: Start) -> None:
    address = new_address()
    processes = [await start(logins_per_minute=10) for _ in range(3)]
    statuses = await asyncio.gather(
        *(attempt(processes[n % 3], f"{n}@example.com", PASSWORD, address) for n in range(60))
    )
    assert statuses.count(401) == 10


async def test_a_thousand_addresses_that_try_one_person_are_throttled_and_the_owner_still_gets_in(
    start: Start, person: MakePerson
) -> None:
    process, home = await start(logins_per_minute=10), new_address()
    kim: Person = await person(process, address=home)
    statuses = [
        await attempt(process, kim.email, "a wrong password " + str(n), f"203.0.{n // 250}.{n % 250}")
        for n in range(1000)
    ]
    # The owner's own first sign-in was a stranger's, too.
    assert statuses.count(401) == sign_in.TRIES_FROM_STRANGERS - 1
    assert await attempt(process, kim.email, PASSWORD, "203.0.113.250") == 429
    assert await attempt(process, kim.email, PASSWORD, home) == 200
    assert await attempt(process, kim.email, "a slip of the finger", home) == 401
    assert await attempt(process, kim.email, PASSWORD, home) == 200


async def test_one_address_that_tries_one_person_is_throttled_also_when_it_is_known(
    start: Start, person: MakePerson
) -> None:
    process, home = await start(logins_per_minute=1000), new_address()
    kim = await person(process, address=home)
    statuses = [await attempt(process, kim.email, "wrong " + str(n), home) for n in range(50)]
    assert statuses.count(401) == sign_in.TRIES_FROM_ONE_ADDRESS


async def test_spellings_of_one_address_share_one_count(start: Start, person: MakePerson) -> None:
    process = await start(logins_per_minute=1000)
    address = new_address()
    kim = await person(process)
    spellings = [kim.email, kim.email.upper(), f" {kim.email} ", kim.email.replace("e", "\uff45")]
    statuses = [await attempt(process, spellings[n % 4], "wrong", address) for n in range(40)]
    assert statuses.count(401) == sign_in.TRIES_FROM_ONE_ADDRESS


async def test_unknown_people_are_throttled_like_known_ones(start: Start) -> None:
    process, address, email = (
        await start(logins_per_minute=1000),
        new_address(),
        f"{secrets.token_hex(6)}@x.com",
    )
    statuses = [await attempt(process, email, PASSWORD, address) for n in range(20)]
    assert statuses.count(401) == sign_in.TRIES_FROM_ONE_ADDRESS


async def test_a_forwarded_address_does_not_get_round_the_limit(start: Start) -> None:
    process, address = await start(logins_per_minute=10), new_address()
    statuses = [
        await attempt(process, f"{n}@example.com", PASSWORD, address, **{"x-forwarded-for": f"10.9.8.{n}"})
        for n in range(30)
    ]
    assert statuses.count(401) == 10


async def test_registrations_are_throttled_per_address(start: Start) -> None:
    process, address = await start(registrations_per_hour=5), new_address()
    statuses = []
    async with process.client(address=address) as http:
        for _ in range(12):
            body = {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD, "name": "Kim"}
            statuses.append((await http.post("/api/auth/register", json=body)).status_code)
    assert statuses == [202] * 5 + [429] * 7


@pytest.mark.parametrize("path", ["login", "register"])
async def test_when_tries_cannot_be_counted_nobody_gets_in(
    process: Process, person: MakePerson, infrastructure: EmbeddedInfrastructure, path: str
) -> None:
    kim = await person(process)
    await asyncio.to_thread(infrastructure.hold, "valkey")
    try:
        body = {**kim.credentials, **({"name": "Kim"} if path == "register" else {})}
        async with process.client() as http:
            answer = await http.post(f"/api/auth/{path}", json=body)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert process.hasher.calls == 2
    finally:
        await asyncio.to_thread(infrastructure.resume, "valkey")
    assert await attempt(process, kim.email, kim.password, "192.0.2.1") == 200
