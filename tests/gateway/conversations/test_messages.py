"""Messages: the visible path, in pages."""

from tests.gateway.client import Person


async def test_an_empty_conversation_has_no_messages(person: Person) -> None:
    status, body = await person.call("GET", f"/api/conversations/{await person.conversation()}/messages")
    assert (status, body) == (200, {"items": [], "next_cursor": None})


async def test_a_message_shows_everything_the_contract_names(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Hi")
    question, answer = await person.messages(conversation)
    names = {
        "id",
        "conversation_id",
        "parent_id",
        "turn_id",
        "role",
        "content",
        "status",
        "model",
        "revision",
        "finish_reason",
        "error",
        "prompt_tokens",
        "completion_tokens",
        "ttft_ms",
        "duration_ms",
        "trimmed_messages",
        "summarised_messages",
        "rating",
        "siblings",
        "turn",
        "created_at",
    }
    assert set(question) == set(answer) == names
    assert question["parent_id"] is None
    assert question["prompt_tokens"] is None
    assert (answer["model"], answer["revision"], answer["error"]) == ("simulated", "r1", None)
    alone = {"index": 1, "count": 1, "previous_id": None, "next_id": None}
    assert question["siblings"] == answer["siblings"] == alone
    assert question["turn"] is None
    turn = answer["turn"]
    assert (turn["id"], turn["status"], turn["error"]) == (answer["turn_id"], "completed", None)
    for name in set(turn) - {"id", "status"}:
        assert turn[name] == answer[name], name


async def test_the_last_page_comes_first_and_the_pages_meet_without_gaps(person: Person) -> None:
    conversation = await person.conversation()
    for number in range(4):
        await person.ask(conversation, f"q{number}")
    pages = []
    before = ""
    while True:
        status, body = await person.call(
            "GET", f"/api/conversations/{conversation}/messages?limit=3" + (before and f"&before={before}")
        )
        assert status == 200
        pages.append([message["content"] for message in body["items"]])
        if body["next_cursor"] is None:
            break
        before = body["next_cursor"]
    assert [len(part) for part in pages] == [3, 3, 2]
    whole = [text for part in reversed(pages) for text in part]
    assert whole == [text for number in range(4) for text in (f"q{number}", "Hello there")]


async def test_a_cursor_from_another_conversation_shows_nothing_of_it(
    person: Person, stranger: Person
) -> None:
    theirs = await stranger.conversation()
    await stranger.ask(theirs, "secret")
    await stranger.ask(theirs, "more")
    last = (await stranger.messages(theirs))[-1]["id"]
    mine = await person.conversation()
    await person.ask(mine, "Hi")
    for before in (last, "msg_nothing"):
        status, body = await person.call("GET", f"/api/conversations/{mine}/messages?before={before}")
        assert (status, body["items"]) == (200, [])
