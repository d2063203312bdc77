"""A history longer than the model's window, over HTTP."""

from core.postgres import Postgres
from tests.gateway.client import MODEL, Gateway, Person


async def test_old_messages_are_left_out_and_their_number_is_shown(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation(system_prompt="Stay.")
    # One token a character: the window of 8192 holds the newest message and not two answers more.
    gateway.engine.tokens, gateway.engine.consistent = len, True
    for number in range(4):
        gateway.engine.say(f"answer {number} " + "y" * 4000)
        await person.ask(conversation, f"question {number} " + "x" * 4000)
    events = await person.ask(conversation, "newest")
    sent = [message["content"].partition(" x")[0][:10] for message in gateway.engine.asked()[-1]["messages"]]
    assert sent[0] == "Stay."
    assert sent[-1] == "newest"
    assert len(sent) < 10
    trimmed = 9 - (len(sent) - 1)
    assert events[0][2]["trimmed_messages"] == trimmed > 0
    messages = await person.messages(conversation)
    assert len(messages) == 10
    assert messages[-1]["trimmed_messages"] == trimmed


async def test_messages_too_far_back_to_be_read_count_as_trimmed(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    # 16 bytes for each token of the window are looked at: the second of these is already too much.
    gateway.engine.tokens = lambda text: len(text) // 20
    for letter in "ab":
        await person.ask(conversation, letter * 100_000)
    events = await person.ask(conversation, "c")
    assert [message["content"][0] for message in gateway.engine.asked()[-1]["messages"]] == ["b", "H", "c"]
    assert events[0][2]["trimmed_messages"] == 2


async def test_a_message_longer_than_the_window_is_refused_before_the_engine_is_asked(
    gateway: Gateway, person: Person
) -> None:
    conversation = await person.conversation()
    status, problem = await person.call(
        "POST",
        f"/api/conversations/{conversation}/turns",
        json={"content": "word " * 9_000, "model": MODEL},
    )
    assert (status, problem["code"]) == (422, "message_too_long")
    assert "9,000" in problem["detail"]
    assert problem["errors"][0]["field"] == "content"
    assert gateway.engine.asked("/tokenize") != []
    assert gateway.engine.asked() == []
    assert await person.messages(conversation) == []


async def test_a_long_message_of_few_tokens_is_counted_by_the_engine_and_accepted(
    gateway: Gateway, person: Person
) -> None:
    events = await person.ask(await person.conversation(), "word " * 5_000)
    assert events[-1][1] == "turn.completed"
    assert gateway.engine.asked()[-1]["max_tokens"] <= 8192 - 5_000


async def test_a_message_beyond_a_million_characters_is_refused(gateway: Gateway, person: Person) -> None:
    status, problem = await person.call(
        "POST",
        f"/api/conversations/{await person.conversation()}/turns",
        json={"content": "x" * 1_000_001, "model": MODEL},
    )
    assert (status, problem["code"]) == (422, "invalid")
    assert gateway.engine.inference.asked == []


async def test_a_long_history_is_not_counted_again_where_the_engine_has_said_what_it_read(
    gateway: Gateway, person: Person
) -> None:
    gateway.engine.tokens, gateway.engine.consistent = lambda text: len(text) // 5, True
    conversation = await person.conversation()
    for number in range(3):
        gateway.engine.say("y" * 1_000)
        await person.ask(conversation, f"{number}" + "x" * 1_000)
    # By its bytes it might not fit beside the longest answer.
    assert len(gateway.engine.asked("/tokenize")) == 0
    events = await person.ask(conversation, "newest")
    assert events[0][2]["trimmed_messages"] == 0
    assert len(gateway.engine.asked()[-1]["messages"]) == 7
    assert len(gateway.engine.asked("/tokenize")) == 0


async def test_what_another_model_or_revision_has_read_says_nothing(
    gateway: Gateway, person: Person, database: Postgres
) -> None:
    gateway.engine.tokens, gateway.engine.consistent = lambda text: len(text) // 5, True
    conversation = await person.conversation()
    for number in range(3):
        gateway.engine.say("y" * 1_000)
        await person.ask(conversation, f"{number}" + "x" * 1_000)
        # Before anybody reads it: as if another revision had answered.
        await database.execute("UPDATE turns SET revision = 'r0' WHERE conversation_id = $1", conversation)
    events = await person.ask(conversation, "newest")
    assert events[0][2]["trimmed_messages"] == 0
    assert len(gateway.engine.asked("/tokenize")) >= 1
