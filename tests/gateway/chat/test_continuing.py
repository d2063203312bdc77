"""An answer that broke off goes on from its own tokens: nothing shown changes, nothing is charged twice."""

import asyncio

import pytest

from core.engine_fields import RESUMED_TOKENS
from core.errors import EngineLost, Unavailable
from core.postgres import Postgres
from gateway.chat import own_log
from gateway.chat.answer import Answer
from gateway.chat.continuation import next_request, request_of
from gateway.chat.stop_words import StopWords
from gateway.inference import Target
from serve.simulated_text import count, render, tokenise
from tests.gateway.chat.talker import said, talker
from tests.gateway.client import Gateway, Person, events_of, text_of, until

QUESTION = "[[long]] What is water?"


async def charged(database: Postgres, turn: str) -> tuple[int, int, bool]:
    row = await database.fetchrow(
        "SELECT prompt_tokens, completion_tokens, exact FROM ledger_entries WHERE reference = $1", turn
    )
    assert row is not None
    return row["prompt_tokens"], row["completion_tokens"], row["exact"]


@pytest.mark.parametrize("lost_after", [0, 1, 7, 399])
async def test_an_engine_that_is_lost_is_followed_by_another_at_the_same_token(
    gateway: Gateway, person: Person, database: Postgres, lost_after: int
) -> None:
    gateway.engine.answers += [talker(lost_after=lost_after), talker(lost_after=3), talker()]
    conversation = await person.conversation()
    turn = await person.begin(conversation, QUESTION)
    events = events_of(await person.follow(turn))
    assert events[-1][1] == "turn.completed"
    assert text_of(events) == said(QUESTION)
    tokens = count(said(QUESTION))
    assert await charged(database, turn) == (count(render([("user", QUESTION)])), tokens, True)
    stored = await database.fetchval("SELECT repeated_tokens FROM turns WHERE id = $1", turn)
    assert stored > 0


async def test_where_no_token_ids_are_known_the_text_so_far_is_kept(gateway: Gateway, person: Person) -> None:
    gateway.engine.stream(b'data: {"choices":[{"delta":{"content":"half"}}]}\n\n', EngineLost())
    events = await person.ask(await person.conversation(), "Hi")
    assert (events[-1][1], events[-1][2]["reason"]) == ("turn.failed", "engine_failed")
    assert text_of(events) == "half"


async def test_json_goes_on_with_its_format_and_the_number_of_its_tokens(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.answers += [talker(lost_after=7), talker()]
    wanted = {"type": "json_object"}
    await person.ask(await person.conversation(), QUESTION, response_format=wanted)
    (more,) = gateway.engine.asked("/v1/completions")
    prompt = len(tokenise(render([("user", QUESTION)])))
    assert (more["response_format"], len(more["prompt"])) == (wanted, prompt + 7)
    assert more["vllm_xargs"] == {RESUMED_TOKENS: 7}


@pytest.mark.parametrize(("wanted", "goes_on"), [({"type": "text"}, True), ({"type": "json_object"}, False)])
def test_only_plain_text_goes_on_from_its_text(wanted: dict[str, str], goes_on: bool) -> None:
    target = Target("m", "r1", "openai", "/m/m/r1", 1000, 100, continuation="text")
    first = request_of(target, [], 100, {"response_format": wanted})
    answer = Answer()
    answer.feed(b'data: {"choices":[{"delta":{"content":"half"}}]}\n\n')
    assert (next_request(target, first, answer) is not None) is goes_on


async def test_a_follower_is_told_that_the_answer_waits_and_goes_on(gateway: Gateway, person: Person) -> None:
    gateway.engine.answers += [talker(lost_after=5, pause=0.01), talker(pause=0.01)]
    turn = await person.begin(await person.conversation(), QUESTION)
    live = await person.follow(turn)
    states = [line for line in live.split(b"\n") if b"state" in line]
    assert states == [b'data: {"state":"reconnecting"}', b'data: {"state":"running"}']


async def test_a_turn_whose_runner_is_gone_goes_on_elsewhere_and_its_followers_with_it(
    gateway: Gateway, another_gateway: Gateway, person: Person, database: Postgres
) -> None:
    # Either may notice first that the runner is gone, the former one too.
    gateway.engine.answers += [talker(pause=0.01), talker(pause=0.001)]
    another_gateway.engine.answers.append(talker(pause=0.001))
    turn = await person.begin(await person.conversation(), QUESTION)
    elsewhere = person.at(another_gateway)
    here = asyncio.create_task(person.follow(turn))
    there = asyncio.create_task(elsewhere.follow(turn))
    await person.begun_to_write(turn)
    await database.execute("UPDATE turns SET runner = 'run_gone' WHERE id = $1", turn)
    await another_gateway.house.keeper.step()
    for live in (await here, await there):
        events = events_of(live)
        assert events[-1][1] == "turn.completed"
        assert text_of(events) == said(QUESTION)
        assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    await elsewhere.close()
    assert gateway.engine.responses[0].closed_early
    assert (await charged(database, turn))[1:] == (count(said(QUESTION)), True)
    row = await database.fetchrow("SELECT attempt, status FROM turns WHERE id = $1", turn)
    assert row is not None
    assert (row["attempt"], row["status"]) == (2, "completed")


async def test_a_wish_to_stop_that_nobody_heard_is_heeded_by_whoever_takes_over(
    gateway: Gateway, another_gateway: Gateway, person: Person, database: Postgres
) -> None:
    gateway.engine.answers.append(talker(pause=0.02))
    turn = await person.begin(await person.conversation(), QUESTION)
    await person.begun_to_write(turn)
    await database.execute("UPDATE turns SET runner = 'run_gone', stop_asked = true WHERE id = $1", turn)
    await another_gateway.house.keeper.step()
    events = events_of(await person.follow(turn))
    assert events[-1][1] == "turn.stopped"
    assert said(QUESTION).startswith(text_of(events))
    assert (len(gateway.engine.responses), another_gateway.engine.responses) == (1, [])


async def test_without_the_shared_store_answers_go_on_and_are_stored_when_it_is_back(
    gateway: Gateway, another_gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_log, "PAUSE_SECONDS", 0.2)
    store = gateway.house.log_writer._store

    async def away(*_: object) -> list[int]:
        raise Unavailable()

    monkeypatch.setattr(store, "append", away)
    gateway.engine.answers.append(talker(pause=0.005))
    turn = await person.begin(await person.conversation(), QUESTION)
    await person.begun_to_write(turn)
    monkeypatch.delattr(store, "append")
    elsewhere = person.at(another_gateway)
    events = events_of(await elsewhere.follow(turn))
    assert text_of(events) == said(QUESTION)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    await elsewhere.close()


async def test_a_stop_sequence_that_lies_across_the_seam_ends_the_answer(
    gateway: Gateway, person: Person
) -> None:
    whole = said(QUESTION)
    at = whole.index(" ", 40)
    stop = whole[at - 3 : at + 3]
    expected = whole[: whole.index(stop)]
    for lost_after in range(1, count(expected) + 2):
        gateway.engine.reset()
        gateway.engine.answers += [talker(lost_after=lost_after), talker()]
        events = await person.ask(await person.conversation(), QUESTION, stop=[stop])
        assert text_of(events) == expected
        assert events[-1][2]["finish_reason"] == "stop"


def test_stop_words_let_everything_pass_that_begins_none() -> None:
    words = StopWords(["END", "Nth"])
    assert words.feed("TEN") == "T"
    assert (words.held, words.feed("E")) == ("EN", "ENE"[:2])
    assert (words.held, words.feed("ND no more"), words.found) == ("E", "", True)
    assert words.feed("more") == words.rest() == ""
    assert StopWords([]).feed("as it is") == "as it is"


async def test_nothing_runs_after_all_this(gateway: Gateway) -> None:
    await until(lambda: gateway.house.runner.checkpoints() == [])
