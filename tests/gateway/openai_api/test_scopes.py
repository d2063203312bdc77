"""What a key may ask is decided by its scopes and its models, on every route of `/v1` and of usage."""

from typing import Any

import aiohttp
import pytest

from tests.gateway.client import MODEL, Gateway, Person

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
PLAIN = {"model": MODEL, "prompt": "Hi"}
WHOLE = b'{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}'


async def made(person: Person, **wanted: Any) -> dict[str, str]:
    status, key = await person.call("POST", "/api/keys", json={"name": "k", **wanted})
    assert status == 201, key
    return {"Authorization": f"Bearer {key['key']}"}


async def asked(gateway: Gateway, headers: dict[str, str], path: str, body: Any = None) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    async with (
        aiohttp.ClientSession(gateway.url, headers=headers) as http,
        http.request(method, path, json=body) as response,
    ):
        return response.status, await response.json()


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/completions", PLAIN)])
async def test_a_key_asks_only_its_models(gateway: Gateway, person: Person, path: str, body: Any) -> None:
    other = await made(person, models=["another-model"])
    status, said = await asked(gateway, other, path, body)
    assert (status, said["error"]["code"], said["error"]["param"]) == (404, "model_not_found", "model")
    assert gateway.engine.asked(path) == []
    gateway.engine.refuse(200, WHOLE)
    status, _ = await asked(gateway, await made(person, models=["another-model", MODEL]), path, body)
    assert status == 200


@pytest.mark.parametrize("prompt", ["Hi", ["Hi", "there"], [1, 2, 3], [[1, 2], [3]]])
async def test_a_key_with_a_budget_asks_for_a_completion_of_any_kind_of_prompt(
    gateway: Gateway, person: Person, prompt: object
) -> None:
    key = await made(person, budget={"day": 100_000})
    gateway.engine.refuse(200, WHOLE)
    status, said = await asked(gateway, key, "/v1/completions", {"model": MODEL, "prompt": prompt})
    assert status == 200, said


async def test_a_key_sees_only_its_models(gateway: Gateway, person: Person) -> None:
    other = await made(person, models=["another-model"])
    _, listed = await asked(gateway, other, "/v1/models")
    assert listed["data"] == []
    status, _ = await asked(gateway, other, f"/v1/models/{MODEL}")
    assert status == 404
    _, listed = await asked(gateway, await made(person), "/v1/models")
    assert MODEL in [model["id"] for model in listed["data"]]


async def test_usage_is_read_with_its_scope_and_without_any_other(gateway: Gateway, person: Person) -> None:
    reader, asker = await made(person, scopes=["usage"]), await made(person)
    for path in ("/api/usage", "/api/usage/limits"):
        assert (await asked(gateway, reader, path))[0] == 200
        assert (await asked(gateway, asker, path))[0] == 403
    for path, body in (("/v1/chat/completions", CHAT), ("/v1/completions", PLAIN), ("/v1/models", None)):
        status, said = await asked(gateway, reader, path, body)
        assert (status, said["error"]["code"]) == (403, "forbidden")
    assert (await asked(gateway, reader, "/api/conversations"))[0] == 403


async def test_names_that_no_model_has_are_refused(person: Person) -> None:
    for wrong in ([], [""], ["A B"], ["x" * 64], ["../x"]):
        status, _ = await person.call("POST", "/api/keys", json={"name": "k", "models": wrong})
        assert status == 422, wrong
