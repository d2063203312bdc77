"""Exports: what is visible as Markdown, everything as JSON, under a name that harms nobody."""

import re
from urllib.parse import unquote

import aiohttp
import orjson
import pytest

from gateway.conversations.exporting import service
from gateway.conversations.exporting.filename import attachment
from tests.gateway.client import Gateway, Person


async def export(person: Person, conversation: str, form: str) -> tuple[bytes, aiohttp.ClientResponse]:
    async with person.http.get(f"/api/conversations/{conversation}/export?format={form}") as response:
        assert response.status == 200, await response.text()
        return await response.read(), response


async def test_markdown_is_the_visible_path(gateway: Gateway, person: Person) -> None:
    conversation = await person.conversation(title="About otters", system_prompt="Be kind.")
    await person.ask(conversation, "Left")
    gateway.engine.say("*Right*, ", "of course.")
    await person.ask(conversation, "Right?", parent_id=None)
    body, response = await export(person, conversation, "markdown")
    text = body.decode()
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    assert response.headers["content-disposition"].startswith('attachment; filename="About-otters.md"')
    assert response.headers["x-content-type-options"] == "nosniff"
    assert text.startswith("# About otters\n\n20")
    assert "\n## System prompt\n\nBe kind.\n" in text
    assert text.endswith("\n## You\n\nRight?\n\n## simulated\n\n*Right*, of course.\n")
    assert "Left" not in text


async def test_json_is_the_whole_tree_with_all_figures(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 3)
    conversation = await person.conversation(title="Tree", parameters={"seed": 1})
    await person.ask(conversation, "One")
    await person.ask(conversation, "Two")
    await person.ask(conversation, "Other", parent_id=None)
    body, response = await export(person, conversation, "json")
    assert response.headers["content-type"] == "application/json"
    whole = orjson.loads(body)
    _, shown = await person.call("GET", f"/api/conversations/{conversation}")
    assert whole["conversation"] == shown
    assert len(whole["messages"]) == 6
    ids = [message["id"] for message in whole["messages"]]
    for place, message in enumerate(whole["messages"]):
        assert message["parent_id"] is None or message["parent_id"] in ids[:place]
    visible = await person.messages(conversation)
    assert whole["head_message_id"] == visible[-1]["id"]
    for message in visible:
        assert message in whole["messages"]


async def test_an_empty_conversation_has_an_export(person: Person) -> None:
    conversation = await person.conversation()
    text = (await export(person, conversation, "markdown"))[0].decode()
    assert text.startswith("# Untitled conversation\n")
    assert orjson.loads((await export(person, conversation, "json"))[0])["messages"] == []


async def test_a_path_longer_than_one_batch_is_whole_and_in_order(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    conversation = await person.conversation()
    for number in range(4):
        await person.ask(conversation, f"q{number}")
    text = (await export(person, conversation, "markdown"))[0].decode()
    assert re.findall(r"q\d", text) == ["q0", "q1", "q2", "q3"]


async def test_an_unknown_format_is_refused(person: Person) -> None:
    conversation = await person.conversation()
    status, problem = await person.call("GET", f"/api/conversations/{conversation}/export?format=exe")
    assert (status, problem["errors"][0]["field"]) == (422, "format")


@pytest.mark.parametrize(
    "title",
    [
        None,
        "",
        "../../etc/passwd",
        "..\\..\\boot.ini",
        'a"; filename="evil.exe',
        "a\r\nSet-Cookie: x=1",
        "\x00\x1b[31m",
        ".bashrc",
        "-rf",
        "CON",
        "lpt1",
        "gpj.\u202eexe",
        "日本語のタイトル",
        "Größe & Maß",
        "x" * 200,
        "🦦" * 50,
        "a/b:c*d?e<f>g|h",
    ],
)
def test_no_title_makes_a_harmful_file_name(title: str | None) -> None:
    header = attachment(title, "md")
    match = re.fullmatch(r"attachment; filename=\"([A-Za-z0-9-]+\.md)\"; filename\*=UTF-8''([!-~]+)", header)
    assert match is not None, header
    for name in (match.group(1), unquote(match.group(2))):
        assert name.endswith(".md")
        stem = name.removesuffix(".md")
        assert stem.strip("-.")
        assert re.fullmatch(r"[^\W_]+(-[^\W_]+)*", stem), stem
        assert stem.lower() not in {"con", "lpt1"}
        assert len(name) <= 90
