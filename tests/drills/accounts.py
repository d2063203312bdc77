"""People of a drill."""

import secrets

import aiohttp

from tests.stack.conftest import PASSWORD


async def register(url: str) -> tuple[str, str]:
    """A new account: its access token and its id."""
    email = f"{secrets.token_hex(8)}@example.org"
    async with aiohttp.ClientSession(url) as client:
        asked = {"email": email, "password": PASSWORD, "name": "Ada"}
        async with client.post("/api/auth/register", json=asked) as response:
            assert response.status == 202, await response.text()
        async with client.post("/api/auth/login", json={"email": email, "password": PASSWORD}) as response:
            assert response.status == 200, await response.text()
            answer = await response.json()
    return str(answer["access_token"]), str(answer["user"]["id"])
