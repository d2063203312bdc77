"""What a person sets on a conversation: pinned, archived, system prompt, model, parameters."""

from typing import Any

import pytest

from tests.gateway.client import Gateway, Person


async def patch(person: Person, conversation: str, **changes: Any) -> dict[str, Any]:
    status, shown = await person.call("PATCH", f"/api/conversations/{conversation}", json=changes)
    assert status == 200, shown
    return dict(shown)


async def ids(person: Person, query: str = "") -> list[str]:
    _, body = await person.call("GET", f"/api/conversations{query}")
    return [item["id"] for item in body["items"]]


async def test_pinned_conversations_come_first_each_group_newest_first(person: Person) -> None:
    one, two, three, four = [await person.conversation() for _ in range(4)]
    assert (await patch(person, one, pinned=True))["pinned"] is True
    await patch(person, three, pinned=True)
    assert await ids(person) == [three, one, four, two]
    assert (await patch(person, three, pinned=False))["pinned"] is False
    assert await ids(person) == [one, four, three, two]


async def test_pages_go_from_the_pinned_to_the_others_without_gaps(person: Person) -> None:
    made = [await person.conversation() for _ in range(7)]
    for conversation in made[1:6:2]:
        await patch(person, conversation, pinned=True)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, body = await person.call(
            "GET", "/api/conversations?limit=2" + (f"&cursor={cursor}" if cursor else "")
        )
        seen += [item["id"] for item in body["items"]]
        cursor = body["next_cursor"]
    assert seen == [made[5], made[3], made[1], made[6], made[4], made[2], made[0]]


async def test_the_archive_is_a_list_of_its_own(person: Person) -> None:
    kept, put_away = await person.conversation(), await person.conversation()
    assert (await patch(person, put_away, archived=True))["archived"] is True
    assert await ids(person) == [kept]
    assert await ids(person, "?archived=true") == [put_away]
    await patch(person, put_away, archived=False)
    assert sorted(await ids(person)) == sorted([kept, put_away])
    assert await ids(person, "?archived=true") == []


async def test_only_what_is_named_changes(person: Person) -> None:
    conversation = await person.conversation(title="Kept", system_prompt="Be brief.")
    shown = await patch(person, conversation, pinned=True, parameters={"temperature": 0.5})
    assert (shown["title"], shown["system_prompt"]) == ("Kept", "Be brief.")
    assert shown["parameters"] == {"temperature": 0.5}
    assert await patch(person, conversation) == shown
    shown = await patch(person, conversation, parameters={"top_p": 0.9, "stop": ["x"]})
    assert (shown["parameters"], shown["pinned"]) == ({"top_p": 0.9, "stop": ["x"]}, True)
    assert (await patch(person, conversation, parameters={}))["parameters"] == {}


@pytest.mark.parametrize(
    "change",
    [
        {"pinned": None},
        {"archived": None},
        {"archived": "perhaps"},
        {"model": None},
        {"model": ""},
        {"parameters": None},
        {"parameters": {"temperature": 3}},
        {"parameters": {"top_p": 0}},
        {"parameters": {"max_tokens": 0}},
        {"parameters": {"seed": -1}},
        {"parameters": {"stop": ["a"] * 5}},
        {"parameters": {"logit_bias": {}}},
        {"system_prompt": ""},
        {"system_prompt": "x" * 20_001},
        {"user_id": "usr_1"},
        {"deleted_at": None},
        {"title_source": "person"},
    ],
)
async def test_a_change_out_of_bounds_is_refused_and_changes_nothing(
    person: Person, change: dict[str, Any]
) -> None:
    conversation = await person.conversation(title="Kept")
    _, before = await person.call("GET", f"/api/conversations/{conversation}")
    status, problem = await person.call("PATCH", f"/api/conversations/{conversation}", json=change)
    assert (status, problem["code"]) == (422, "invalid")
    assert await person.call("GET", f"/api/conversations/{conversation}") == (200, before)


async def test_the_system_prompt_is_sent_until_it_is_taken_away(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    await patch(person, conversation, system_prompt="  Answer in rhymes. ")
    await person.ask(conversation, "Hi")
    assert gateway.engine.asked()[-1]["messages"][0] == {"role": "system", "content": "Answer in rhymes."}
    assert (await patch(person, conversation, system_prompt=None))["system_prompt"] is None
    await person.ask(conversation, "Hi")
    assert gateway.engine.asked()[-1]["messages"][0]["role"] == "user"


async def test_the_conversations_parameters_are_the_turns_defaults(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation(parameters={"temperature": 0.2, "seed": 7})
    await person.ask(conversation, "Hi")
    first = gateway.engine.asked()[-1]
    assert (first["temperature"], first["seed"]) == (0.2, 7)
    await person.ask(conversation, "Hi", temperature=1.5, top_p=0.4)
    second = gateway.engine.asked()[-1]
    assert (second["temperature"], second["top_p"], second["seed"]) == (1.5, 0.4, 7)
    # Null asks for the model's own default.
    await person.ask(conversation, "Hi", seed=None)
    third = gateway.engine.asked()[-1]
    assert "seed" not in third
    assert third["temperature"] == 0.2


async def test_a_patched_model_answers_next(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation()
    shown = await patch(person, conversation, model="no-such-model")
    assert shown["model"] == "no-such-model"
    status, problem = await person.call(
        "POST", f"/api/conversations/{conversation}/turns", json={"content": "Hi"}
    )
    assert (status, problem["code"]) == (404, "model_not_found")
    await patch(person, conversation, model="simulated")
    status, _ = await person.call("POST", f"/api/conversations/{conversation}/turns", json={"content": "Hi"})
    assert status == 201
