"""Following turns over the WebSocket: the same text as over SSE, from any number, on any gateway."""

import asyncio
from typing import Any

import orjson
import pytest

from core.settings import Settings
from gateway.chat import socket_follows
from gateway.chat.events import Event
from gateway.chat.socket_follows import MOST_FOLLOWS, joined
from tests.gateway.client import Gateway, Person, events_of, listening, text_of
from tests.gateway.events.test_socket import Tab, tab

Pieces = list[dict[str, Any]]


async def follow(open_tab: Tab, turn_id: str, after: int = 0) -> None:
    await open_tab.socket.send_json({"type": "follow", "turn_id": turn_id, "after": after})


async def to_the_end(open_tab: Tab, turn_id: str) -> Pieces:
    """Every event that comes for this turn, up to the terminal one."""
    found: Pieces = []
    while not found or found[-1]["event"] not in ("turn.completed", "turn.stopped", "turn.failed"):
        frame = await open_tab.until("turn.events")
        assert frame["turn_id"] == turn_id
        found += frame["events"]
    return found


def written(pieces: Pieces) -> str:
    return "".join(piece["data"]["text"] for piece in pieces if piece["event"] == "delta")


def numbers(pieces: Pieces) -> list[int]:
    """Every number that the pieces stand for."""
    found: list[int] = []
    for piece in pieces:
        found += range(piece.get("first", piece["seq"]), piece["seq"] + 1)
    return [number for number in found if number]


async def test_a_turn_is_followed_while_it_runs_here_and_at_another_gateway(
    gateway: Gateway, another_gateway: Gateway, person: Person
) -> None:
    elsewhere = person.at(another_gateway)
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 40, pause=0.02)
    async with tab(person) as here, tab(elsewhere) as there:
        turn = await person.begin(conversation)
        for open_tab in (here, there):
            await follow(open_tab, turn)
        for open_tab in (here, there):
            pieces = await to_the_end(open_tab, turn)
            assert written(pieces) == "word " * 40
            assert numbers(pieces) == list(range(1, numbers(pieces)[-1] + 1))
    await elsewhere.close()


async def test_a_finished_turn_is_told_from_every_number_on(person: Person) -> None:
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi")
    turn = events[0][2]["turn_id"]
    async with tab(person) as open_tab:
        for after in range(len(events)):
            await follow(open_tab, turn, after)
            pieces = await to_the_end(open_tab, turn)
            rest = events[after:]
            assert numbers(pieces) == [number for number, _, _ in rest]
            assert written(pieces) == text_of(rest)
            assert pieces[-1]["data"] == rest[-1][2]


async def test_deltas_that_queued_up_are_one_and_say_for_which_numbers_they_stand() -> None:
    batch = [
        Event(2, "delta", b'{"text":"a"}'),
        Event(3, "delta", b'{"text":"b"}'),
        Event(0, "turn.status", b'{"state":"reconnecting"}'),
        Event(4, "delta", b'{"text":"c"}'),
        Event(5, "usage", b"{}"),
    ]
    assert joined(batch) == [
        {"seq": 3, "first": 2, "event": "delta", "data": {"text": "ab"}},
        {"seq": 0, "event": "turn.status", "data": {"state": "reconnecting"}},
        {"seq": 4, "event": "delta", "data": {"text": "c"}},
        {"seq": 5, "event": "usage", "data": {}},
    ]


async def test_a_turn_that_is_no_longer_followed_says_nothing_more(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 60, pause=0.02)
    async with tab(person) as open_tab:
        turn = await person.begin(conversation)
        await follow(open_tab, turn)
        await open_tab.until("turn.events")
        await open_tab.socket.send_json({"type": "unfollow", "turn_id": turn})
        # Another turn's refusal comes behind whatever was under way.
        await follow(open_tab, "turn_x")
        await open_tab.until("turn.refused")
        # What comes next of this turn is the hub's word that it has ended.
        while (frame := await open_tab.next())["type"] != "turn.ended":
            assert frame["type"] != "turn.events"


@pytest.mark.parametrize("turn_id", ["turn_x", "", None, 7, "x" * 65])
async def test_what_is_not_there_or_not_ones_own_is_refused_and_the_socket_stays(
    person: Person, stranger: Person, turn_id: object
) -> None:
    conversation = await stranger.conversation()
    foreign = (await stranger.ask(conversation, "Hi"))[0][2]["turn_id"]
    async with tab(person) as open_tab:
        await open_tab.socket.send_json({"type": "follow", "turn_id": turn_id})
        refused = await open_tab.until("turn.refused")
        assert refused["code"] == ("not_found" if turn_id == "turn_x" else "invalid")
        assert not refused["retry"]
        await follow(open_tab, foreign)
        refused = await open_tab.until("turn.refused")
        assert (refused["turn_id"], refused["code"]) == (foreign, "not_found")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '"follow"', "{}", '{"type": "sing"}', '{"type": {"a": 1}}']
)
async def test_frames_that_mean_nothing_are_passed_over(person: Person, text: str) -> None:
    conversation = await person.conversation()
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    async with tab(person) as open_tab:
        await open_tab.socket.send_str(text)
        await follow(open_tab, turn)
        assert (await to_the_end(open_tab, turn))[-1]["event"] == "turn.completed"


async def test_one_socket_follows_so_many_turns_and_no_more(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_follows, "MOST_FOLLOWS", 1)
    assert MOST_FOLLOWS == 16
    turns = []
    for _ in range(2):
        gateway.engine.say(*["word "] * 50, pause=0.02)
        turns.append(await person.begin(await person.conversation()))
    async with tab(person) as open_tab:
        await follow(open_tab, turns[0])
        await follow(open_tab, turns[0])
        await follow(open_tab, turns[1])
        refused = await open_tab.until("turn.refused")
        assert (refused["turn_id"], refused["code"], refused["retry"]) == (turns[1], "too_many_follows", True)
        await to_the_end(open_tab, turns[0])
        await follow(open_tab, turns[1])
        await to_the_end(open_tab, turns[1])


async def test_a_gateway_that_leaves_sends_its_followers_elsewhere_and_they_miss_nothing(
    settings: Settings, gateway: Gateway, person: Person
) -> None:
    """The turn runs at one gateway; the one at which it is followed goes away in mid-answer."""
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 100, pause=0.03)
    turn = await person.begin(conversation)
    async with listening(settings, public_url=gateway.url) as leaving:
        there = person.at(leaving)
        async with there.http.get(f"/api/turns/{turn}/events") as response:
            first = await response.content.readuntil(b"\n\n")
            leaving.server.drain()
            # It ends as a whole response, not as a connection that broke.
            rest = await asyncio.wait_for(response.read(), 20)
        await there.close()
    seen = events_of(first + rest)
    assert seen[-1][1] == "delta"
    events = seen + events_of(await person.follow(turn, after=seen[-1][0]))
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert text_of(events) == "word " * 100


async def test_frames_are_json_in_one_line_of_text(person: Person) -> None:
    conversation = await person.conversation()
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    async with person.http.ws_connect("/api/events") as socket:
        await socket.send_json({"type": "follow", "turn_id": turn})
        while True:
            message = await socket.receive_str(timeout=15)
            if orjson.loads(message)["type"] == "turn.events":
                assert "\n" not in message
                return
