"""GitHub, or an installation of it: who somebody is has to be asked for."""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from auth.oauth.fetching import Fetcher
from auth.oauth.github import GithubProvider
from auth.oauth.identity import Question
from core.errors import ProviderFailed, SignInRefused
from core.settings import OAuthProvider
from tests.auth.oauth.provider import CLIENT_ID, CLIENT_SECRET

QUESTION = Question("state", "nonce", "verifier " * 6, "https://chat.example.com/back")


@dataclass
class GithubServer:
    """GitHub's routes, below an address of one's own."""

    site: str
    user: Any = field(default_factory=lambda: {"id": 7, "login": "kim", "name": "Kim Park"})
    emails: Any = field(
        default_factory=lambda: [
            {"email": "old@example.com", "primary": False, "verified": True},
            {"email": "kim@example.com", "primary": True, "verified": True},
        ]
    )
    codes: dict[str, str] = field(default_factory=dict)

    async def authorize(self, request: web.Request) -> web.Response:
        code = secrets.token_hex(8)
        self.codes[code] = request.query["code_challenge"]
        answer = urlencode({"code": code, "state": request.query["state"]})
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{answer}")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = self.codes.pop(str(form["code"]), None) == challenge
        if not right or (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"error": "bad_verification_code"})
        return web.json_response({"access_token": "gho_token", "token_type": "bearer"})

    async def about(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer gho_token"
        return web.json_response(self.emails if request.path.endswith("emails") else self.user)


@pytest.fixture
async def server() -> AsyncIterator[GithubServer]:
    made = GithubServer("")
    app = web.Application()
    app.add_routes(
        [
            web.get("/login/oauth/authorize", made.authorize),
            web.post("/login/oauth/access_token", made.token),
            web.get("/api/v3/user", made.about),
            web.get("/api/v3/user/emails", made.about),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.site = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def provider(server: GithubServer) -> AsyncIterator[GithubProvider]:
    fetcher = Fetcher()
    await fetcher.start()
    yield GithubProvider(
        OAuthProvider.model_validate(
            {
                "id": "github",
                "title": "GitHub",
                "kind": "github",
                "issuer": server.site,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
            }
        ),
        fetcher,
    )
    await fetcher.stop()


async def code_of(provider: GithubProvider) -> str:
    url = await provider.address(QUESTION)
    async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=False) as response:
        return response.headers["location"].partition("code=")[2].partition("&")[0]


async def test_somebody_is_a_number_with_a_verified_main_address(
    provider: GithubProvider, server: GithubServer
) -> None:
    found = await provider.identity(QUESTION, await code_of(provider), None)
    assert (found.issuer, found.subject, found.name) == (server.site, "7", "Kim Park")
    assert (found.email, found.email_verified) == ("kim@example.com", True)


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [{"email": "kim@example.com", "primary": True, "verified": False}],
        [{"email": "kim@example.com", "primary": False, "verified": True}],
        [{"email": 7, "primary": True, "verified": True}],
        {"message": "no"},
        None,
    ],
)
async def test_an_address_that_is_not_verified_or_not_the_main_one_is_none(
    provider: GithubProvider, server: GithubServer, emails: Any
) -> None:
    server.emails = emails
    found = await provider.identity(QUESTION, await code_of(provider), None)
    assert (found.email, found.email_verified) == (None, False)


@pytest.mark.parametrize("user", [{}, {"id": "7"}, {"id": True}, [], None])
async def test_an_answer_without_a_number_is_refused(
    provider: GithubProvider, server: GithubServer, user: Any
) -> None:
    server.user = user
    with pytest.raises(ProviderFailed):
        await provider.identity(QUESTION, await code_of(provider), None)


async def test_a_code_works_once_and_with_its_verifier(provider: GithubProvider) -> None:
    code = await code_of(provider)
    with pytest.raises(SignInRefused):
        await provider.identity(Question("s", "n", "another verifier", "x"), code, None)
    with pytest.raises(SignInRefused):
        await provider.identity(QUESTION, code, None)
    with pytest.raises(SignInRefused):
        await provider.identity(QUESTION, await code_of(provider), "https://evil.example")
