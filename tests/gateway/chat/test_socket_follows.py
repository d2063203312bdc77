"""Following turns over the WebSocket: the same text as over SSE, from any number, on any gateway."""

import asyncio
from typing import Any

import orjson
import pytest

from core.settings import Settings
from gateway.chat import following, socket_follows
from gateway.chat.events import Event
from gateway.chat.socket_follows import MOST_FOLLOWS, frames_of
from tests.gateway.client import Gateway, Person, events_of, listening, text_of
from tests.gateway.events.test_socket import Tab, tab

Frames = list[dict[str, Any]]


async def follow(open_tab: Tab, turn_id: str, after: int = 0, handle: int = 1) -> None:
    await open_tab.socket.send_json({"type": "follow", "as": handle, "turn_id": turn_id, "after": after})


async def to_the_end(open_tab: Tab, handle: int = 1) -> Frames:
    """Every frame that comes for this turn, up to the terminal one."""
    found: Frames = []
    while not found or found[-1].get("event") not in ("turn.completed", "turn.stopped", "turn.failed"):
        frame = await open_tab.next()
        if frame["type"] in ("delta", "turn.event"):
            assert frame["as"] == handle
            found.append(frame)
    return found


def written(frames: Frames) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "delta")


def numbers(frames: Frames) -> list[int]:
    """Every number that the frames stand for."""
    found: list[int] = []
    for frame in frames:
        found += range(frame.get("first", frame["seq"]), frame["seq"] + 1)
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
            pieces = await to_the_end(open_tab)
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
            pieces = await to_the_end(open_tab)
            rest = events[after:]
            assert numbers(pieces) == [number for number, _, _ in rest]
            assert written(pieces) == text_of(rest)
            assert pieces[-1]["data"] == rest[-1][2]


async def test_deltas_that_queued_up_are_one_and_say_for_which_numbers_they_stand() -> None:
    batch = [
        Event(1, "turn.started", b'{"turn_id":"trn_1"}'),
        Event(2, "delta", b'{"text":"a\\n"}'),
        Event(3, "delta", b'{"text":"b"}'),
        Event(0, "turn.status", b'{"state":"reconnecting"}'),
        Event(4, "delta", b'{"text":"\xc3\xa7"}'),
        Event(5, "usage", b"{}"),
    ]
    assert [orjson.loads(frame) for frame in frames_of(7, batch)] == [
        {"type": "turn.event", "as": 7, "seq": 1, "event": "turn.started", "data": {"turn_id": "trn_1"}},
        {"type": "delta", "as": 7, "seq": 3, "first": 2, "text": "a\nb"},
        {"type": "turn.event", "as": 7, "seq": 0, "event": "turn.status", "data": {"state": "reconnecting"}},
        {"type": "delta", "as": 7, "seq": 4, "text": "ç"},
        {"type": "turn.event", "as": 7, "seq": 5, "event": "usage", "data": {}},
    ]


async def test_a_turn_that_is_no_longer_followed_says_nothing_more(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*["word "] * 60, pause=0.02)
    async with tab(person) as open_tab:
        turn = await person.begin(conversation)
        await follow(open_tab, turn)
        await open_tab.until("delta")
        await open_tab.socket.send_json({"type": "unfollow", "as": 1})
        # The refusal of another comes behind whatever was under way.
        await follow(open_tab, "turn_x", handle=2)
        await open_tab.until("turn.refused")
        # What comes next of this turn is the hub's word that it has ended.
        while (frame := await open_tab.next())["type"] != "turn.ended":
            assert frame["type"] not in ("delta", "turn.event")


@pytest.mark.parametrize(
    ("asked", "code", "handle"),
    [
        ({"as": 3, "turn_id": "turn_x"}, "not_found", 3),
        ({"as": 3, "turn_id": ""}, "invalid", 3),
        ({"as": 3, "turn_id": None}, "invalid", 3),
        ({"as": 3, "turn_id": "x" * 65}, "invalid", 3),
        ({"as": 3}, "invalid", 3),
        ({"as": 3, "turn_id": "turn_x", "after": -1}, "invalid", 3),
        ({"as": -1, "turn_id": "turn_x"}, "invalid", -1),
        ({"as": "one", "turn_id": "turn_x"}, "invalid", None),
        ({"turn_id": "turn_x"}, "invalid", None),
    ],
)
async def test_what_is_not_there_or_not_understood_is_refused_and_the_socket_stays(
    person: Person, stranger: Person, asked: dict[str, Any], code: str, handle: int | None
) -> None:
    conversation = await stranger.conversation()
    foreign = (await stranger.ask(conversation, "Hi"))[0][2]["turn_id"]
    async with tab(person) as open_tab:
        await open_tab.socket.send_json({"type": "follow", **asked})
        refused = await open_tab.until("turn.refused")
        assert (refused["code"], refused["as"], refused["retry"]) == (code, handle, False)
        assert refused["message"]
        # Another person's turn is not there either.
        await follow(open_tab, foreign, handle=4)
        refused = await open_tab.until("turn.refused")
        assert (refused["as"], refused["code"]) == (4, "not_found")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '"follow"', "{}", '{"type": "sing"}', '{"type": {"a": 1}}']
)
async def test_frames_that_mean_nothing_are_passed_over(person: Person, text: str) -> None:
    conversation = await person.conversation()
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    async with tab(person) as open_tab:
        await open_tab.socket.send_str(text)
        await follow(open_tab, turn)
        assert (await to_the_end(open_tab))[-1]["event"] == "turn.completed"


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
        await follow(open_tab, turns[1], handle=2)
        refused = await open_tab.until("turn.refused")
        assert (refused["as"], refused["code"], refused["retry"]) == (2, "too_many_follows", True)
        await to_the_end(open_tab, 1)
        await follow(open_tab, turns[1], handle=2)
        await to_the_end(open_tab, 2)


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
            first = b""
            while b"event: delta" not in first:
                first += await response.content.readuntil(b"\n\n")
            leaving.server.drain()
            # It ends as a whole response, not as a connection that broke.
            rest = await asyncio.wait_for(response.read(), 20)
        await there.close()
    seen = events_of(first + rest)
    assert seen[-1][1] == "delta"
    events = seen + events_of(await person.follow(turn, after=seen[-1][0]))
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert text_of(events) == "word " * 100


async def test_a_turn_that_is_long_in_coming_is_said_to_be_alive(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "KEEP_ALIVE_SECONDS", 0.05)
    conversation = await person.conversation()
    gateway.engine.say("a", "b", pause=0.5)
    async with tab(person) as open_tab:
        await follow(open_tab, await person.begin(conversation))
        assert await open_tab.until("turn.alive") == {"type": "turn.alive", "as": 1}
        assert written(await to_the_end(open_tab)) == "ab"


async def test_frames_are_json_in_one_line_of_text(person: Person) -> None:
    conversation = await person.conversation()
    turn = (await person.ask(conversation, "Hi"))[0][2]["turn_id"]
    async with person.http.ws_connect("/api/events") as socket:
        await socket.send_json({"type": "follow", "as": 0, "turn_id": turn})
        while True:
            message = await socket.receive_str(timeout=15)
            if orjson.loads(message)["type"] == "turn.event":
                assert "\n" not in message
                return
