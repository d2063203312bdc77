"""Everything that is kept of a person, in one file: all of it, and nothing of anybody else."""

from base64 import b64decode, b64encode
from io import BytesIO

import orjson
from PIL import Image

from core.postgres import Postgres
from tests.gateway.client import Gateway, Person


async def exported(person: Person) -> dict[str, object]:
    async with person.http.get("/api/account/export") as response:
        assert response.status == 200
        assert "attachment" in response.headers["content-disposition"]
        assert response.headers["cache-control"] == "no-store"
        found: dict[str, object] = orjson.loads(await response.read())
        return found


async def test_everything_is_there_and_no_secret(gateway: Gateway, person: Person) -> None:
    for words in ("first", "second"):
        gateway.engine.say(f"{words} answer")
        await person.ask(await person.conversation(title=words), words)
    archived = await person.conversation(title="put away")
    await person.call("PATCH", f"/api/conversations/{archived}", json={"archived": True})
    key = await person.key()
    await person.call("POST", "/api/prompts", json={"name": "mine", "template": "x {y}"})
    drawn = BytesIO()
    Image.new("RGB", (9, 9)).save(drawn, "PNG")
    await person.call("PUT", "/api/auth/me/picture", json={"image": b64encode(drawn.getvalue()).decode()})
    found = await exported(person)
    assert set(found) == {
        "account",
        "picture",
        "sessions",
        "api_keys",
        "passkeys",
        "identities",
        "prompts",
        "usage",
        "audit",
        "conversations",
    }
    assert found["account"]["id"] == person.id  # type: ignore[index]
    assert b64decode(str(found["picture"]))[8:12] == b"WEBP"
    titles = {each["conversation"]["title"] for each in found["conversations"]}  # type: ignore[attr-defined]
    assert titles == {"first", "second", "put away"}
    whole = orjson.dumps(found).decode()
    for words in ("first answer", "second answer", "x {y}"):
        assert words in whole
    actions = [event["action"] for event in found["audit"]]  # type: ignore[attr-defined]
    assert actions[0] == "account.exported"
    assert "login" in actions
    for secret in (key, person.token, "password_hash", "argon2"):
        assert secret not in whole


async def test_it_holds_nothing_of_anybody_else(gateway: Gateway, person: Person, stranger: Person) -> None:
    gateway.engine.say("a secret of somebody else")
    await stranger.ask(await stranger.conversation(title="theirs"), "theirs")
    await stranger.call("POST", "/api/prompts", json={"name": "theirs", "template": "theirs"})
    whole = orjson.dumps(await exported(person)).decode()
    assert "theirs" not in whole
    assert stranger.id not in whole


async def test_many_conversations_are_all_there(person: Person, database: Postgres) -> None:
    await database.execute(
        "INSERT INTO conversations (id, user_id, title) "
        "SELECT 'cnv_' || lpad(to_hex(n), 32, '0') || $2, $1, n::text FROM generate_series(1, 250) n",
        person.id,
        "",
    )
    found = await exported(person)
    titles = [each["conversation"]["title"] for each in found["conversations"]]  # type: ignore[attr-defined]
    assert sorted(titles, key=int) == [str(number) for number in range(1, 251)]
