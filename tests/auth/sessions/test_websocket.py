import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from auth.principal import Principal, Role
from core.keyvalue import KeyValue
from tests.auth.process import PUBLIC_URL, MakePerson, MovableClock, Person, Process

Served = Callable[[Process], Awaitable[str]]


@asynccontextmanager
async def serving(process: Process) -> AsyncIterator[str]:
    """The process behind a real server; the address of its socket."""
    config = uvicorn.Config(
        process.app, port=0, ws="websockets-sansio", log_config=None, lifespan="off", proxy_headers=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}/api/events"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def address(process: Process) -> AsyncIterator[str]:
    async with serving(process) as url:
        yield url


async def first_frame(socket: ClientConnection) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 5))
    return frame


async def refused(address: str, origin: str | None = None, **headers: str) -> bool:
    try:
        async with connect(address, origin=origin, additional_headers=headers) as socket:  # type: ignore[arg-type]
            await first_frame(socket)
    except (InvalidStatus, ConnectionClosed):
        return True
    return False


async def ticket_of(process: Process, person: Person) -> str:
    async with process.client() as http:
        answer = await http.post("/api/events/ticket", headers=person.bearer)
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 30
    ticket: str = answer.json()["ticket"]
    return ticket


async def test_a_ticket_opens_one_socket_once(process: Process, person: MakePerson, address: str) -> None:
    kim = await person(process)
    ticket = await ticket_of(process, kim)
    async with connect(f"{address}?ticket={ticket}") as socket:
        assert (await first_frame(socket))["user_id"] == kim.user_id
        assert await refused(f"{address}?ticket={ticket}")


async def test_of_twenty_that_show_the_same_ticket_at_once_one_gets_in(
    process: Process, person: MakePerson, address: str
) -> None:
    ticket = await ticket_of(process, await person(process))
    results = await asyncio.gather(*(refused(f"{address}?ticket={ticket}") for _ in range(20)))
    assert results.count(False) == 1


async def test_a_ticket_is_stored_hashed_and_for_thirty_seconds(
    process: Process, person: MakePerson, keyvalue: KeyValue
) -> None:
    ticket = await ticket_of(process, await person(process))
    names = [name async for name in keyvalue.client.scan_iter("headrace:ticket:*")]
    assert names
    assert not any(ticket.encode() in name for name in names)
    assert max([await keyvalue.client.ttl(name) for name in names]) <= 30


async def test_a_ticket_of_an_ended_session_opens_nothing(
    process: Process, person: MakePerson, address: str
) -> None:
    kim = await person(process)
    ticket = await ticket_of(process, kim)
    async with process.client() as http:
        await http.post("/api/auth/logout", headers=kim.bearer)
    assert await refused(f"{address}?ticket={ticket}")


async def test_a_cookie_opens_a_socket_for_our_own_page_only(
    process: Process, person: MakePerson, address: str
) -> None:
    kim = await person(process)
    cookie = f"__Host-headrace_access={kim.access_token}"
    async with connect(address, origin=PUBLIC_URL, additional_headers={"cookie": cookie}) as socket:  # type: ignore[arg-type]
        assert (await first_frame(socket))["user_id"] == kim.user_id
    own = address.replace("ws://", "http://").removesuffix("/api/events")
    async with connect(address, origin=own, additional_headers={"cookie": cookie}) as socket:  # type: ignore[arg-type]
        assert (await first_frame(socket))["user_id"] == kim.user_id
    foreign = [
        None,
        "null",
        "https://attacker.example",
        f"{PUBLIC_URL}.attacker.example",
        PUBLIC_URL.replace("https", "http"),
        f"{PUBLIC_URL}:8443",
        "file://",
    ]
    for origin in foreign:
        assert await refused(address, origin, cookie=cookie), origin


async def test_a_foreign_page_is_refused_whatever_it_shows(
    process: Process, person: MakePerson, address: str
) -> None:
    kim = await person(process)
    ticket = await ticket_of(process, kim)
    assert await refused(f"{address}?ticket={ticket}", "https://attacker.example")
    assert await refused(address, "https://attacker.example", authorization=kim.bearer["authorization"])
    assert not await refused(address, authorization=kim.bearer["authorization"])


@pytest.mark.parametrize("query", ["?ticket=", "?ticket=x", "?ticket=a&ticket=b", "?token=x", ""])
async def test_without_a_credential_no_socket_opens(address: str, query: str) -> None:
    assert await refused(address + query)


async def test_an_open_socket_closes_when_its_session_ends(
    process: Process, person: MakePerson, address: str
) -> None:
    kim = await person(process)
    async with connect(address, additional_headers=kim.bearer) as socket:
        await first_frame(socket)
        async with process.client() as http:
            await http.post("/api/auth/logout", headers=kim.bearer)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


async def test_an_open_socket_closes_within_5_s_also_when_the_announcement_is_lost(
    process: Process, person: MakePerson, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = await person(process)

    async def lost(*_: object) -> None:
        return None

    async with connect(address, additional_headers=kim.bearer) as socket:
        await first_frame(socket)
        monkeypatch.setattr("auth.revocation.Revocations.announce", lost)
        async with process.client() as http:
            await http.post("/api/auth/logout", headers=kim.bearer)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)


async def test_an_open_socket_closes_when_its_person_is_disabled(
    process: Process, person: MakePerson, address: str
) -> None:
    kim = await person(process)
    async with connect(address, additional_headers=kim.bearer) as socket:
        await first_frame(socket)
        await process.auth.accounts.set_active(kim.email, active=False)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)


async def test_what_waits_for_an_api_key_learns_of_its_end(
    process: Process, person: MakePerson, clock: MovableClock
) -> None:
    kim = await person(process)
    key, text = await process.auth.api_keys.create(kim.user_id, "k", 1)
    principal = await process.auth.authenticate(text)
    with process.auth.watch.ended(principal) as ended, process.auth.watch.ended(principal) as also:
        await process.auth.watch.sweep()
        assert not ended.is_set()
        await process.auth.api_keys.revoke(kim.user_id, key.id)
        assert ended.is_set()
        assert also.is_set()
    assert not process.auth.watch._watched
    expiring, text = await process.auth.api_keys.create(kim.user_id, "k", 1)
    principal = await process.auth.authenticate(text)
    with process.auth.watch.ended(principal) as ended:
        clock.move(days=1.01)
        await process.auth.watch.sweep()
        assert ended.is_set()
    assert isinstance(principal, Principal)
    assert principal.role is Role.USER
    assert expiring.expires_at is not None
