"""`WS /api/events`: whatever changes, in every tab of one person and of nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from gateway.events.hub import MAX_SOCKETS_PER_PERSON, MAX_WAITING
from tests.gateway.client import Gateway, Person, until


class Tab:
    """An open socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> dict[str, Any]:
        message = await self.socket.receive(timeout=15)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return dict(orjson.loads(message.data))

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this kind."""
        while True:
            event = await self.next()
            if event["type"] == kind:
                return event

    async def silent(self) -> bool:
        """Whether nothing waits to be read; a model's news is everybody's and does not count."""
        try:
            while True:
                message = await self.socket.receive(timeout=0.3)
                if orjson.loads(message.data)["type"] != "model.updated":
                    return False
        except TimeoutError:
            return True

    async def closed(self) -> int | None:
        """The code it was closed with."""
        while True:
            message = await self.socket.receive(timeout=15)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return self.socket.close_code


@asynccontextmanager
async def tab(person: Person, path: str = "/api/events", **more: Any) -> AsyncIterator[Tab]:
    async with person.http.ws_connect(path, **more) as socket:
        yield Tab(socket)


async def test_the_first_word_is_hello(person: Person) -> None:
    async with tab(person) as open_tab:
        assert await open_tab.next() == {"type": "hello"}


async def test_changes_reach_every_tab_of_the_person_and_no_other_person(
    person: Person, stranger: Person, another_gateway: Gateway
) -> None:
    elsewhere = person.at(another_gateway)
    async with tab(person) as here, tab(elsewhere) as there, tab(stranger) as foreign:
        for open_tab in (here, there, foreign):
            assert (await open_tab.next())["type"] == "hello"
        conversation = await person.conversation()
        await person.call("PATCH", f"/api/conversations/{conversation}", json={"title": "Otters"})
        await person.call("DELETE", f"/api/conversations/{conversation}")
        for open_tab in (here, there):
            made = await open_tab.until("conversation.created")
            assert made["conversation"]["id"] == conversation
            assert set(made["conversation"]) >= {"id", "title", "model", "updated_at", "running_turn_id"}
            renamed = await open_tab.until("conversation.updated")
            assert renamed["conversation"]["title"] == "Otters"
            assert await open_tab.until("conversation.deleted") == {
                "type": "conversation.deleted",
                "id": conversation,
            }
        assert await foreign.silent()
    await elsewhere.close()


async def test_a_turn_is_told_when_it_begins_and_when_it_ends(person: Person) -> None:
    conversation = await person.conversation()
    async with tab(person) as open_tab:
        await open_tab.next()
        turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
        same = {"conversation_id": conversation, "turn_id": turn}
        assert await open_tab.until("turn.started") == {"type": "turn.started", "status": "running", **same}
        assert await open_tab.until("turn.ended") == {"type": "turn.ended", "status": "completed", **same}


async def test_a_model_that_changes_is_told_to_everybody(
    gateway: Gateway, person: Person, stranger: Person
) -> None:
    async with tab(person) as one, tab(stranger) as other:
        gateway.control.state = "warming"
        for open_tab in (one, other):
            assert (await open_tab.until("model.updated"))["model"]["state"] == "warming"
        gateway.control.state = "ready"
        for open_tab in (one, other):
            assert (await open_tab.until("model.updated"))["model"]["state"] == "ready"


async def test_a_ticket_opens_one_socket_once(gateway: Gateway, person: Person) -> None:
    _, issued = await person.call("POST", "/api/events/ticket")
    assert issued["expires_in"] > 0
    async with aiohttp.ClientSession(gateway.url) as client:
        path = f"/api/events?ticket={issued['ticket']}"
        async with client.ws_connect(path) as socket:
            assert await Tab(socket).next() == {"type": "hello"}
        async with client.ws_connect(path) as socket:
            assert await Tab(socket).closed() == 4401
        for made_up in ("x", "", issued["ticket"] + "x"):
            async with client.ws_connect(f"/api/events?ticket={made_up}") as socket:
                assert await Tab(socket).closed() == 4401


async def test_without_a_credential_the_socket_asks_for_a_new_sign_in(gateway: Gateway) -> None:
    headers = {"Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}
    async with (
        aiohttp.ClientSession(gateway.url) as client,
        client.ws_connect("/api/events", headers=headers) as socket,
    ):
        assert await Tab(socket).closed() == 4401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {},
    ],
)
async def test_a_page_of_another_site_gets_nothing_with_a_persons_cookie(
    gateway: Gateway, person: Person, headers: dict[str, str]
) -> None:
    cookies = {"__Host-headrace_access": person.token}
    async with (
        aiohttp.ClientSession(gateway.url, cookies=cookies) as browser,
        browser.ws_connect("/api/events", headers=headers) as socket,
    ):
        message = await socket.receive(timeout=15)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1008


async def test_our_own_page_is_let_in_with_the_cookie(gateway: Gateway, person: Person) -> None:
    cookies = {"__Host-headrace_access": person.token}
    async with (
        aiohttp.ClientSession(gateway.url, cookies=cookies) as browser,
        browser.ws_connect("/api/events", headers={"Origin": gateway.url}) as socket,
    ):
        assert await Tab(socket).next() == {"type": "hello"}


async def test_a_session_that_ends_closes_its_sockets_and_no_others(person: Person, stranger: Person) -> None:
    async with tab(person) as mine, tab(stranger) as theirs:
        await mine.next()
        await theirs.next()
        assert (await person.call("POST", "/api/auth/logout"))[0] == 204
        assert await mine.closed() == 4401
        assert await theirs.silent()


async def test_a_tab_that_does_not_read_is_closed_and_told_to_come_again(
    gateway: Gateway, person: Person
) -> None:
    async with tab(person) as open_tab:
        await open_tab.next()
        big = orjson.dumps({"type": "unknown", "filler": "x" * 60_000})
        subscription = next(iter(gateway.house.hub._people[person.id]))
        for _ in range(MAX_WAITING * 20):
            gateway.house.hub.deliver(person.id, big)
            if subscription.overrun:
                break
            await asyncio.sleep(0)
        assert subscription.overrun
        assert subscription.queue.qsize() <= MAX_WAITING
        assert await open_tab.closed() == 1013
    await until(lambda: person.id not in gateway.house.hub._people)


async def test_what_a_client_sends_changes_nothing(person: Person) -> None:
    async with tab(person) as open_tab:
        await open_tab.next()
        await open_tab.socket.send_str('{"type":"conversation.deleted"}')
        await open_tab.socket.send_bytes(b"\x00\xff")
        conversation = await person.conversation()
        assert (await open_tab.until("conversation.created"))["conversation"]["id"] == conversation


async def test_too_many_tabs_are_refused_and_the_open_ones_go_on(gateway: Gateway, person: Person) -> None:
    tabs = []
    for _ in range(MAX_SOCKETS_PER_PERSON):
        tabs.append(Tab(await person.http.ws_connect("/api/events")))
        await tabs[-1].next()
    async with tab(person) as one_more:
        assert await one_more.closed() == 1013
    await person.conversation()
    assert (await tabs[0].until("conversation.created"))["type"] == "conversation.created"
    for open_tab in tabs:
        await open_tab.socket.close()
    await until(lambda: person.id not in gateway.house.hub._people)


async def test_after_a_gap_in_the_news_tabs_are_asked_to_read_everything_anew(
    gateway: Gateway, person: Person
) -> None:
    async with tab(person) as open_tab:
        await open_tab.next()
        # As after a Valkey that was away: the bus does not know what it has missed.
        gateway.house.hub.news_lost()
        assert await open_tab.closed() == 1012


async def test_what_a_person_changes_on_a_conversation_is_told_to_the_other_tabs(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    path = f"/api/conversations/{conversation}"
    message = (await person.messages(conversation))[0]["id"]
    async with tab(person) as open_tab:
        assert (await open_tab.next())["type"] == "hello"
        await person.call("PATCH", path, json={"pinned": True})
        event = await open_tab.until("conversation.updated")
        assert (event["conversation"]["id"], event["conversation"]["pinned"]) == (conversation, True)
        _, made = await person.call("POST", f"{path}/share")
        event = await open_tab.until("conversation.updated")
        # The link's address is told to the one who asked for it, and to no other tab.
        assert event["conversation"]["share"] == {**made, "url": None}
        await person.call("POST", f"{path}/head", json={"message_id": message})
        assert (await open_tab.until("conversation.updated"))["conversation"]["id"] == conversation
        await person.call("DELETE", f"{path}/share")
        assert (await open_tab.until("conversation.updated"))["conversation"]["share"] is None
        await person.call("DELETE", path)
        assert (await open_tab.until("conversation.deleted"))["id"] == conversation
        await person.call("POST", f"{path}/restore")
        assert (await open_tab.until("conversation.created"))["conversation"]["id"] == conversation
