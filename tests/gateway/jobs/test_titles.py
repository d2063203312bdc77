"""Titles, all the way: a turn, the outbox, the real broker, a worker, the conversation, the event."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from cluster.local.infrastructure import EmbeddedInfrastructure
from core.broker import KafkaProducer, Message
from core.postgres import Postgres
from core.settings import Settings
from gateway.inference import Target
from gateway.inference.fake import FakeEngineResponse, FakeInference
from gateway.inference.protocol import REPLICA_HEADER
from gateway.jobs.consumer import MOST_ATTEMPTS
from gateway.jobs.messages import topic
from gateway.jobs.titles import clean_title, first_words
from tests.gateway.client import Gateway, Person, until
from tests.gateway.jobs.conftest import working
from tests.gateway.test_metrics import value


class Namer:
    """An engine that names conversations: it says the first line that its question tells it to say."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.inference = FakeInference(self._respond)

    def _respond(self, _: Target, route: str, body: bytes) -> FakeEngineResponse:
        prompt = orjson.loads(body)["messages"][-1]["content"]
        if route == "/tokenize":
            return FakeEngineResponse(200, [orjson.dumps({"count": 40})])
        self.asked.append(prompt)
        if "REFUSE" in prompt:
            return FakeEngineResponse(500, [b"{}"], {REPLICA_HEADER: "replica"})
        if "GARBAGE" in prompt:
            return FakeEngineResponse(200, [b"<html>"])
        written = "Otters of the northern rivers and lakes" if "LONG" in prompt else '"Title: About otters."'
        answer = {
            "choices": [{"message": {"content": written}}],
            "usage": {"prompt_tokens": 40, "completion_tokens": 6},
        }
        return FakeEngineResponse(200, [orjson.dumps(answer)], {}, 1.0 if "SLOW" in prompt else 0.0)


@pytest.fixture(scope="module")
async def namer(running_gateway: Gateway, settings: Settings, kafka_servers: str) -> AsyncIterator[Namer]:
    engine = Namer()
    async with working(running_gateway, settings, engine.inference):
        yield engine


async def ended(database: Postgres, conversation: str) -> tuple[str, str | None, int]:
    """State, error and attempts of the conversation's title job, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            row = await database.fetchrow(
                "SELECT state, error, attempts FROM jobs WHERE idempotency_key = $1", f"title:{conversation}"
            )
            if row is not None and row["state"] in ("succeeded", "failed"):
                return row["state"], row["error"], row["attempts"]
            await asyncio.sleep(0.05)


async def title_of(person: Person, conversation: str) -> str | None:
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    return shown["title"]  # type: ignore[no-any-return]


async def test_a_first_answer_gets_its_conversation_a_title_and_the_tab_is_told(
    namer: Namer, person: Person, database: Postgres
) -> None:
    done = value("headrace_jobs_total", kind="title", outcome="succeeded")
    carried = value("headrace_outbox_sent_total")
    conversation = await person.conversation()
    async with person.http.ws_connect("/api/events") as socket:
        await person.ask(conversation, "Tell me of otters")
        async with asyncio.timeout(60):
            while True:
                event = orjson.loads((await socket.receive()).data)
                if event["type"] == "conversation.updated":
                    break
    assert event["conversation"]["title"] == "About otters"
    assert await title_of(person, conversation) == "About otters"
    assert await ended(database, conversation) == ("succeeded", None, 1)
    assert "Tell me of otters" in namer.asked[-1]
    assert value("headrace_jobs_total", kind="title", outcome="succeeded") > done
    assert value("headrace_outbox_sent_total") > carried


async def test_a_title_has_at_most_six_words_and_its_tokens_are_booked(
    namer: Namer, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "LONG please")
    await ended(database, conversation)
    assert await title_of(person, conversation) == "Otters of the northern rivers and"
    entry = await database.fetchrow(
        "SELECT * FROM ledger_entries WHERE user_id = $1 AND kind = 'job'", person.id
    )
    assert entry is not None
    assert (entry["prompt_tokens"], entry["completion_tokens"], entry["state"]) == (40, 6, "settled")


async def test_a_persons_own_title_is_never_overwritten(
    namer: Namer, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "SLOW one")
    await until(lambda: any("SLOW one" in prompt for prompt in namer.asked))
    # The model is still thinking: the person is quicker.
    await person.call("PATCH", f"/api/conversations/{conversation}", json={"title": "Mine"})
    assert (await ended(database, conversation))[0] == "succeeded"
    assert await title_of(person, conversation) == "Mine"


@pytest.mark.parametrize("trouble", ["REFUSE", "GARBAGE"])
async def test_a_title_that_cannot_be_had_is_tried_again_and_then_made_of_the_first_words(
    namer: Namer, person: Person, database: Postgres, trouble: str
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, f"{trouble} all of this and more than six words")
    state, error, attempts = await ended(database, conversation)
    assert (state, attempts) == ("failed", MOST_ATTEMPTS)
    assert error
    assert await title_of(person, conversation) == f"{trouble} all of this and more"
    entry = await database.fetchrow(
        "SELECT state, prompt_tokens + completion_tokens AS charged FROM ledger_entries "
        "WHERE user_id = $1 AND kind = 'job'",
        person.id,
    )
    # What the engine did all the same is brought into it: nobody pays, and the books agree.
    assert entry is not None
    assert tuple(entry) == ("lapsed", 0)
    held = await database.fetchval("SELECT sum(reserved) FROM usage_periods WHERE subject = $1", person.id)
    assert held == 0


async def test_a_budget_that_is_used_up_pays_no_title(
    namer: Namer, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    # Enough for the answer, and not for a title.
    await database.execute("UPDATE users SET tokens_per_day = 50 WHERE id = $1", person.id)
    await person.ask(conversation, "POOR but with so many words in it", max_tokens=10)
    state, error, attempts = await ended(database, conversation)
    assert (state, attempts) == ("failed", 1)
    assert error is not None
    assert "budget" in error
    assert await title_of(person, conversation) == "POOR but with so many words"
    assert not any("POOR" in prompt for prompt in namer.asked)


async def test_messages_that_cannot_be_read_block_no_title(
    namer: Namer, person: Person, database: Postgres, settings: Settings, kafka_servers: str
) -> None:
    producer = KafkaProducer(kafka_servers, idempotent=False)
    await producer.start()
    jobs = topic(settings.kafka_topic_prefix)
    await producer.send(
        [Message(jobs, f"k{n}", poison) for n in range(20) for poison in (b"", b"\xff", b"{}")]
    )
    await producer.stop()
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    assert (await ended(database, conversation))[0] == "succeeded"


async def test_the_same_message_twice_asks_the_model_once(
    namer: Namer, person: Person, database: Postgres, settings: Settings, kafka_servers: str
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Only once")
    await ended(database, conversation)
    row = await database.fetchrow(
        "SELECT o.key, o.headers, o.payload FROM outbox o JOIN jobs j ON j.id = o.key "
        "WHERE j.idempotency_key = $1",
        f"title:{conversation}",
    )
    assert row is not None
    producer = KafkaProducer(kafka_servers, idempotent=False)
    await producer.start()
    again = Message(
        topic(settings.kafka_topic_prefix), row["key"], orjson.dumps(row["payload"]), row["headers"]
    )
    await producer.send([again] * 5)
    await producer.stop()
    later = await person.conversation()
    await person.ask(later, "Afterwards")
    await ended(database, later)
    assert sum("Only once" in prompt for prompt in namer.asked) == 1


async def test_a_broker_that_is_restarted_and_forgets_everything_loses_no_title(
    namer: Namer, person: Person, database: Postgres, infrastructure: EmbeddedInfrastructure
) -> None:
    during = await person.conversation()
    await asyncio.to_thread(infrastructure.hold, "broker")
    try:
        # The turn does not need the broker.
        assert (await person.ask(during, "While it is away"))[-1][1] == "turn.completed"
    finally:
        await asyncio.to_thread(infrastructure.resume, "broker")
    after = await person.conversation()
    await person.ask(after, "When it is back")
    for conversation in (during, after):
        assert (await ended(database, conversation))[0] == "succeeded"
        assert await title_of(person, conversation) == "About otters"


async def test_a_conversation_that_was_deleted_in_the_meantime_is_left_alone(
    namer: Namer, person: Person, database: Postgres
) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Gone soon")
    await person.call("DELETE", f"/api/conversations/{conversation}")
    assert (await ended(database, conversation))[0] == "succeeded"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Otters", "Otters"),
        ('  "Otters and rivers."  ', "Otters and rivers"),
        ("Title: Otters", "Otters"),
        ("\n\n**Otters**\nmore", "Otters"),
        ("one two three four five six seven", "one two three four five six"),
        ("x" * 500, "x" * 80),
        ("«Вода»", "Вода"),
        ("a\x00b", "ab"),
        ("", ""),
        ("...\n---", ""),
    ],
)
def test_what_a_model_writes_is_made_a_title(written: str, title: str) -> None:
    assert clean_title(written) == title


def test_the_first_words_of_nothing_are_a_new_chat() -> None:
    assert first_words("  ...  ") == "New chat"
    assert first_words("How  do\notters sleep at night, really?") == "How do otters sleep at night"
