"""Following a turn: from any number, running or finished, here or in another process, the same bytes."""

import asyncio

import pytest

from core.postgres import Postgres
from gateway.chat import following as following_module
from tests.gateway.client import Gateway, Person, events_of, text_of

WORDS = ["one ", "two\n\n", "drei ", "四 ", "🦦 ", '"six"', " seven"]


def suffixes(whole: bytes) -> list[bytes]:
    """What must come for every `after` from 0 on: the frames above that number."""
    frames = [frame + b"\n\n" for frame in whole.split(b"\n\n")[:-1]]
    return [b"".join(frames[after:]) for after in range(len(frames))]


async def test_a_finished_turn_replays_byte_for_byte_from_every_number(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.say(*WORDS, pause=0.001)
    turn = await person.begin(await person.conversation())
    live = await person.follow(turn)
    assert text_of(events_of(live)) == "".join(WORDS)
    for after, rest in enumerate(suffixes(live)):
        assert await person.follow(turn, after) == rest


async def test_the_replay_from_the_database_has_the_bytes_of_the_live_log(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.say(*WORDS, pause=0.001)
    turn = await person.begin(await person.conversation())
    live = await person.follow(turn)
    gateway.house.turns._followers._logs.discard(turn)
    assert gateway.house.turns._followers._logs.get(turn) is None
    for after, rest in enumerate(suffixes(live)):
        assert await person.follow(turn, after) == rest


@pytest.mark.parametrize("ending", ["stopped", "failed"])
async def test_an_unhappy_end_replays_byte_for_byte_too(
    gateway: Gateway, person: Person, ending: str
) -> None:
    if ending == "stopped":
        gateway.engine.say(*WORDS * 100, pause=0.01)
    else:
        gateway.engine.stream(
            b'data: {"choices":[{"delta":{"content":"half"}}]}\n\n',
            b'data: {"error":{"message":"\xc3\xa4h"}}\n\n',
        )
    turn = await person.begin(await person.conversation())
    if ending == "stopped":
        await person.begun_to_write(turn)
        await person.call("POST", f"/api/turns/{turn}/stop")
    live = await person.follow(turn)
    assert events_of(live)[-1][1] == f"turn.{ending}"
    gateway.house.turns._followers._logs.discard(turn)
    for after, rest in enumerate(suffixes(live)):
        assert await person.follow(turn, after) == rest


async def test_a_running_turn_gives_the_same_bytes_from_every_number(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.say(*WORDS, pause=0.05)
    turn = await person.begin(await person.conversation())
    every = await asyncio.gather(*(person.follow(turn, after) for after in range(len(WORDS) + 3)))
    assert every == suffixes(every[0])


async def test_another_process_gives_the_same_bytes(
    gateway: Gateway, another_gateway: Gateway, person: Person
) -> None:
    gateway.engine.say(*WORDS, pause=0.1)
    turn = await person.begin(await person.conversation())
    elsewhere = person.at(another_gateway)
    here, there = await asyncio.gather(person.follow(turn), elsewhere.follow(turn))
    assert there == here
    for after, rest in enumerate(suffixes(here)):
        assert await elsewhere.follow(turn, after) == rest
    await elsewhere.close()


async def test_last_event_id_counts_before_the_query(person: Person) -> None:
    turn = await person.begin(await person.conversation())
    rest = suffixes(await person.follow(turn))
    for header, expected in {"2": rest[2], "0": rest[0], "x": rest[1], "²": rest[1], "-1": rest[1]}.items():
        async with person.http.get(
            f"/api/turns/{turn}/events?after=1", headers={"Last-Event-ID": header}
        ) as response:
            assert await response.read() == expected, header


async def test_whoever_has_seen_everything_is_told_the_end_again(gateway: Gateway, person: Person) -> None:
    turn = await person.begin(await person.conversation())
    rest = suffixes(await person.follow(turn))
    assert await person.follow(turn, len(rest)) == rest[-1]
    assert await person.follow(turn, 999_999) == rest[-1]
    gateway.house.turns._followers._logs.discard(turn)
    assert await person.follow(turn, len(rest)) == rest[-1]


async def test_whoever_claims_more_than_a_running_turn_has_is_told_its_end(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.say(*WORDS, pause=0.03)
    turn = await person.begin(await person.conversation())
    told = events_of(await asyncio.wait_for(person.follow(turn, 5_000), 20))
    assert [kind for _, kind, _ in told] == ["turn.completed"]


async def test_leaving_does_not_stop_the_turn(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say(*WORDS, pause=0.03)
    async with person.http.post(
        f"/api/conversations/{conversation}/turns",
        json={"content": "Hi", "model": "simulated"},
        headers={"Accept": "text/event-stream"},
    ) as response:
        first = events_of(await response.content.readuntil(b"\n\n"))
        response.close()
    whole = events_of(await person.follow(first[0][2]["turn_id"]))
    assert whole[-1][1] == "turn.completed"
    assert text_of(whole) == "".join(WORDS)
    assert not gateway.engine.responses[0].closed_early


async def test_a_follower_that_does_not_read_delays_nobody(gateway: Gateway, person: Person) -> None:
    big = "x" * 100_000
    gateway.engine.say(*[big] * 40, pause=0.01)
    turn = await person.begin(await person.conversation())
    async with person.http.get(f"/api/turns/{turn}/events") as slow:
        # Nothing is read: its socket fills up while another follower goes on to the end.
        quick = await person.follow(turn)
        assert text_of(events_of(quick)) == big * 40
        assert await slow.read() == quick


async def test_a_silent_stream_is_kept_awake_by_comments(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.chat.endpoints.KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(following_module, "KEEP_ALIVE_SECONDS", 0.05)
    gateway.engine.say("late", pause=0.3)
    turn = await person.begin(await person.conversation())
    body = await person.follow(turn)
    assert b": keep-alive\n\n" in body
    numbers = [number for number, _, _ in events_of(body)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_no_database_connection_is_held_while_tokens_stream(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    gateway.engine.say(*WORDS * 50, pause=0.02)
    turn = await person.begin(await person.conversation())
    await person.begun_to_write(turn)
    pool = database._open_pool
    held = [
        await database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state LIKE 'idle in transaction%'"
        )
    ]
    # The leader's lock needs one of its own; nothing else is taken.
    busy = pool.get_size() - pool.get_idle_size()
    await person.call("POST", f"/api/turns/{turn}/stop")
    await person.follow(turn)
    assert held == [0]
    assert busy <= 2
