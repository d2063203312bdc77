"""A database that is away when a turn ends is waited for; a process that ends lets its turns end first."""

import asyncio

import pytest

from core.errors import Conflict, Unavailable
from core.postgres import Postgres
from core.settings import Settings
from gateway.chat import runner as runner_module
from gateway.chat.tables import TurnEnd, TurnStart
from tests.gateway.chat.talker import said, talker
from tests.gateway.client import Gateway, Person, events_of, listening, text_of, until


class Shaky:
    """The gateway's own repository, whose `settle` fails a few times first."""

    def __init__(self, repository: object, failures: list[Exception]) -> None:
        self._repository = repository
        self.failures = failures

    def __getattr__(self, name: str) -> object:
        return getattr(self._repository, name)

    async def settle(self, turn: TurnStart, end: TurnEnd, attempt: int) -> bool:
        if self.failures:
            raise self.failures.pop(0)
        return await self._repository.settle(turn, end, attempt)  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def shaky(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Shaky:
    wrapped = Shaky(gateway.house.runner._repository, [])
    monkeypatch.setattr(gateway.house.runner, "_repository", wrapped)
    monkeypatch.setattr(runner_module, "SETTLE_PAUSE_SECONDS", 0.01)
    return wrapped


async def test_a_database_that_is_away_at_the_end_is_waited_for(
    person: Person, shaky: Shaky, database: Postgres
) -> None:
    shaky.failures = [Unavailable(), Conflict(), Unavailable()]
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi")
    assert events[-1][1] == "turn.completed"
    assert shaky.failures == []
    assert (await person.messages(conversation))[-1]["content"] == "Hello there"
    turn = events[0][2]["turn_id"]
    assert await database.fetchval("SELECT state FROM ledger_entries WHERE reference = $1", turn) == "settled"


async def test_an_answer_that_can_never_be_stored_is_told_to_be_copied(
    gateway: Gateway, person: Person, shaky: Shaky, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "SETTLE_TRIES", 2)
    shaky.failures = [Unavailable(), Unavailable()]
    conversation = await person.conversation()
    events = await person.ask(conversation, "Hi")
    assert (events[-1][1], events[-1][2]["reason"]) == ("turn.failed", "unavailable")
    assert "Copy it" in events[-1][2]["message"]
    # The row is still open: whoever takes it over ends it.
    turn = events[0][2]["turn_id"]
    await database.execute("UPDATE turns SET runner = 'run_gone' WHERE id = $1", turn)
    await gateway.house.keeper.step()
    async with asyncio.timeout(20):
        status = "running"
        while status == "running":
            status = await database.fetchval("SELECT status FROM turns WHERE id = $1", turn)
            await asyncio.sleep(0.02)
    # With what was told, from the log, and without asking an engine again.
    assert [kind for _, kind, _ in events_of(await person.follow(turn))] == [kind for _, kind, _ in events]
    answer = (await person.messages(conversation))[-1]
    assert (answer["status"], answer["content"]) == ("failed", "Hello there")
    assert answer["error"]["reason"] == "unavailable"
    assert len(gateway.engine.responses) == 1


async def test_a_database_that_is_away_at_the_beginning_is_told_at_once(
    gateway: Gateway, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await person.conversation()

    async def away(*_: object, **__: object) -> None:
        await until(lambda: gateway.engine.responses != [])
        raise Unavailable(retry_after=2)

    monkeypatch.setattr(gateway.house.turns._turns, "begin", away)
    status, problem = await person.call(
        "POST", f"/api/conversations/{conversation}/turns", json={"content": "Hi", "model": "simulated"}
    )
    assert (status, problem["code"], problem["retry"]) == (503, "unavailable", True)
    monkeypatch.undo()
    assert gateway.engine.responses[0].closed_early
    assert await person.messages(conversation) == []
    assert (await person.ask(conversation, "Hi"))[-1][1] == "turn.completed"


async def test_a_process_that_ends_lets_short_turns_finish(
    settings: Settings, gateway: Gateway, person: Person
) -> None:
    async with listening(settings, public_url=gateway.url, drain_timeout=10) as ending:
        there = person.at(ending)
        conversation = await there.conversation()
        ending.engine.say(*["word "] * 10, pause=0.05)
        turn = await there.begin(conversation)
        await there.begun_to_write(turn)
        await there.close()
    answer = (await person.messages(conversation))[-1]
    assert (answer["status"], answer["content"]) == ("complete", "word " * 10)
    assert events_of(await person.follow(turn))[-1][1] == "turn.completed"


async def test_a_process_that_ends_hands_long_turns_over_to_another(
    settings: Settings, gateway: Gateway, another_gateway: Gateway, person: Person
) -> None:
    question = "[[long]] Tell me everything"
    # Either of the two that stay may be the one to take it over.
    gateway.engine.answers.append(talker())
    another_gateway.engine.answers.append(talker())
    async with listening(settings, public_url=gateway.url, drain_timeout=0.3) as ending:
        there = person.at(ending)
        conversation = await there.conversation()
        ending.engine.answers.append(talker(pause=0.02))
        turn = await there.begin(conversation, question)
        await there.begun_to_write(turn)
        await there.close()
    assert ending.engine.responses[0].closed_early
    events = events_of(await person.follow(turn))
    assert events[-1][1] == "turn.completed"
    assert text_of(events) == said(question)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))


async def test_a_process_that_is_ending_takes_no_new_turn(settings: Settings, gateway: Gateway) -> None:
    async with listening(settings, public_url=gateway.url) as ending:
        someone = await ending.person()
        conversation = await someone.conversation()
        await ending.house.runner.stop()
        status, problem = await someone.call(
            "POST", f"/api/conversations/{conversation}/turns", json={"content": "Hi", "model": "simulated"}
        )
        await someone.close()
    assert (status, problem["code"]) == (503, "overloaded")
