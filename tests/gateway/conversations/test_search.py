"""Search: one's own, undeleted titles and messages, ranked, in pieces of plain text."""

import asyncio
import base64
from typing import Any

import pytest

from core.ids import new_id
from core.postgres import Postgres
from gateway.conversations.search import repository
from gateway.conversations.search.repository import SearchRepository
from tests.gateway.client import Gateway, Person


async def find(person: Person, q: str, **more: Any) -> dict[str, Any]:
    status, body = await person.call("GET", "/api/search", params={"q": q, **more})
    assert status == 200, body
    return dict(body)


async def hits(person: Person, q: str) -> list[dict[str, Any]]:
    return list((await find(person, q))["items"])


def marked(hit: dict[str, Any]) -> list[str]:
    return [piece["text"] for piece in hit["fragments"] if piece["match"]]


async def test_a_message_is_found_as_soon_as_its_turn_is_settled(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    gateway.engine.say("Otters ", "hold ", "hands.")
    await person.ask(conversation, "What do beavers do?")
    question, answer = await person.messages(conversation)
    assert await hits(person, "beavers") == [
        {
            "conversation_id": conversation,
            "title": None,
            "message_id": question["id"],
            "role": "user",
            "fragments": [
                {"text": "What do ", "match": False},
                {"text": "beavers", "match": True},
                {"text": " do?", "match": False},
            ],
            "created_at": question["created_at"],
        }
    ]
    found = await hits(person, "HANDS")
    assert [(hit["message_id"], hit["role"]) for hit in found] == [(answer["id"], "assistant")]


async def test_titles_are_found_and_come_before_messages(person: Person) -> None:
    talking = await person.conversation()
    await person.ask(talking, "capybara")
    named = await person.conversation(title="Capybara facts")
    first, second = await hits(person, "capybara")
    assert (first["conversation_id"], first["message_id"], first["title"]) == (named, None, "Capybara facts")
    assert second["conversation_id"] == talking
    await person.call("PATCH", f"/api/conversations/{named}", json={"title": "Wombats"})
    assert [hit["conversation_id"] for hit in await hits(person, "capybara")] == [talking]
    assert [hit["conversation_id"] for hit in await hits(person, "wombats")] == [named]


async def test_all_words_must_be_there_and_the_last_may_be_unfinished(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "Walruses whistle underwater")
    assert len(await hits(person, "walruses underw")) == 1
    assert marked((await hits(person, "walruses underw"))[0]) == ["Walruses", "underwater"]
    assert await hits(person, "walr underwater") == []
    assert await hits(person, "walruses overwater") == []
    assert len(await hits(person, "underwater, WHISTLE: walruses!")) == 1


async def test_more_of_it_ranks_higher(person: Person) -> None:
    conversation = await person.conversation()
    filler = " ".join(f"filler{number}" for number in range(150))
    await person.ask(conversation, f"quokka {filler}")
    await person.ask(conversation, "quokka quokka quokka")
    found = [hit["fragments"] for hit in await hits(person, "quokka")]
    assert len(found) == 2
    assert sum(piece["match"] for piece in found[0]) == 3


async def test_nothing_of_others_is_found(gateway: Gateway, person: Person, stranger: Person) -> None:
    theirs = await stranger.conversation(title="Narwhal secret")
    await stranger.ask(theirs, "narwhal secret")
    assert await hits(person, "narwhal") == []
    assert await hits(person, "n") == []
    assert len(await hits(stranger, "narwhal")) == 2


async def test_owners_whose_ids_end_alike_do_not_see_each_others(person: Person, database: Postgres) -> None:
    # The mark in the index is the end of the owner's id; that alone must not be what keeps people apart.
    twin = new_id("usr")[:-8] + person.id[-8:]
    await database.execute(
        "INSERT INTO users (id, email, email_normalised, name) VALUES ($1, $1, $1, 'Twin')", twin
    )
    conversation = new_id("cnv")
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO conversations (id, user_id, title) VALUES ($1, $2, 'Axolotl')", conversation, twin
        )
        await SearchRepository(database).add_title(connection, conversation)
    assert await hits(person, "axolotl") == []


async def test_a_deleted_conversation_is_not_found_until_it_is_restored(person: Person) -> None:
    conversation = await person.conversation(title="Pangolins")
    await person.ask(conversation, "pangolins")
    await person.call("DELETE", f"/api/conversations/{conversation}")
    assert await hits(person, "pangolins") == []
    await person.call("POST", f"/api/conversations/{conversation}/restore")
    assert len(await hits(person, "pangolins")) == 2


async def test_deleted_matches_do_not_crowd_out_older_ones(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await person.conversation()
    await person.ask(kept, "numbat")
    gone = await person.conversation()
    for _ in range(4):
        await person.ask(gone, "numbat numbat")
    query = repository._SEARCH.replace(f"LIMIT {repository.MOST_MESSAGES}", "LIMIT 3")
    assert query != repository._SEARCH
    monkeypatch.setattr(repository, "_SEARCH", query)
    assert {hit["conversation_id"] for hit in await hits(person, "numbat")} == {gone}
    await person.call("DELETE", f"/api/conversations/{gone}")
    assert {hit["conversation_id"] for hit in await hits(person, "numbat")} == {kept}


async def test_old_messages_are_found_behind_thousands_of_newer_ones(
    person: Person, database: Postgres
) -> None:
    old = await person.conversation()
    await person.ask(old, "ocelot early")
    await database.execute(
        "UPDATE search_owners SET messages = messages + 3 * 2048 WHERE user_id = $1", person.id
    )
    new = await person.conversation()
    await person.ask(new, "ocelot late")
    found = {hit["conversation_id"] for hit in await hits(person, "ocelot")}
    assert found == {old, new}


async def test_pages_have_no_gaps_and_no_repeats(person: Person) -> None:
    conversation = await person.conversation()
    for number in range(7):
        await person.ask(conversation, "tapir " * (number % 3 + 1))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = await find(person, "tapir", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [hit["message_id"] for hit in body["items"]]
        cursor = body["next_cursor"]
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script> fennec",
        "<b>fennec</b>",
        "&lt;i&gt;fennec",
        "\u0001\u0002fennec\u0003",
        "StartSel=fennec, StopSel=</b>",
    ],
)
async def test_what_a_message_holds_is_never_taken_for_markup(person: Person, text: str) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, text)
    (hit,) = await hits(person, "fennec")
    assert "".join(piece["text"] for piece in hit["fragments"]) == text
    assert marked(hit) == ["fennec"]


@pytest.mark.parametrize(
    "q",
    [
        "'",
        "''",
        "\\",
        "a' | 'b",
        "!(a & b)",
        "a:*",
        "<->",
        "'; DROP TABLE messages; --",
        "~",
        "%",
        "\u202e",
        "(((",
        "$1",
        "🦦",
        "ﬀ",
        "İ",
        "x" * 200,
        " ",
        "😀" * 100,
        "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    ],
)
async def test_no_input_is_read_as_an_operator_or_breaks_the_search(person: Person, q: str) -> None:
    await person.ask(await person.conversation(), "zebra")
    body = await find(person, q)
    assert body == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "params", [{}, {"q": ""}, {"q": "x" * 201}, {"q": "a\x00"}, {"q": "a", "limit": "51"}]
)
async def test_a_search_out_of_bounds_is_refused(person: Person, params: dict[str, str]) -> None:
    status, problem = await person.call("GET", "/api/search", params=params)
    assert (status, problem["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "inner", ["nan|1", "inf|1", "0.1|-1", "0.1|x", "0.1", "0.1|99999999999999999999", "||"]
)
async def test_a_cursor_that_we_did_not_give_is_refused(person: Person, inner: str) -> None:
    cursor = base64.urlsafe_b64encode(inner.encode()).decode().rstrip("=")
    status, problem = await person.call("GET", "/api/search", params={"q": "a", "cursor": cursor})
    assert (status, problem["errors"][0]["field"]) == (422, "cursor")


async def test_words_inside_addresses_names_and_code_are_found(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "see https://example.org/lemur?q=1 and my_snake_case, <div class=civet>")
    for q in ("lemur", "snake", "civet", "example org", "snake_case", "https://example.org/lemur"):
        assert len(await hits(person, q)) == 1, q


async def test_scripts_without_spaces_and_other_alphabets_are_found(person: Person) -> None:
    conversation = await person.conversation()
    await person.ask(conversation, "カワウソは泳ぐのが上手です。Größe, Привет")
    for q, match in (("泳ぐ", ["泳", "ぐ"]), ("größ", ["Größe"]), ("привет", ["Привет"])):
        (hit,) = await hits(person, q)
        assert marked(hit) == match


@pytest.mark.parametrize(
    "text",
    [
        "".join(chr(code) for code in range(0x3400, 0x9FFF))
        + " ".join(chr(code) for code in range(0x20000, 0x2A000)),
        " ".join(chr(0x20000 + high) + chr(0x20000 + low) for high in range(150) for low in range(150)),
        "a " * 400_000,
        "x" * 900_000,
    ],
)
async def test_the_longest_and_strangest_messages_are_settled_all_the_same(
    gateway: Gateway, person: Person, text: str
) -> None:
    gateway.engine.tokens = lambda _: 10
    conversation = await person.conversation()
    events = await person.ask(conversation, text)
    assert events[-1][1] == "turn.completed"
    assert (await hits(person, "hello"))[0]["conversation_id"] == conversation


async def test_messages_settled_at_the_same_moment_are_all_found(person: Person, database: Postgres) -> None:
    conversations = [await person.conversation() for _ in range(8)]
    await asyncio.gather(*(person.ask(conversation, "gecko") for conversation in conversations))
    found = {hit["conversation_id"] for hit in await hits(person, "gecko")}
    assert found == set(conversations)
    counted = await database.fetchval("SELECT messages FROM search_owners WHERE user_id = $1", person.id)
    assert counted == 16
