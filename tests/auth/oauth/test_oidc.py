"""Signing in with OpenID Connect, at an honest provider and at hostile ones."""

import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from auth.oauth.endpoints import COOKIE
from auth.oauth.transactions import LIFETIME_SECONDS
from core.postgres import Postgres
from core.settings import OAuthProvider
from tests.auth.mfa.authenticator import second_step, set_up
from tests.auth.oauth.provider import CLIENT_ID, CLIENT_SECRET, OidcServer, Someone, serving
from tests.auth.process import PUBLIC_URL, MakePerson, MovableClock, Process, Start


@pytest.fixture
async def provider() -> AsyncIterator[OidcServer]:
    async with serving(OidcServer) as server:
        yield server


def settings_of(server: OidcServer, **changes: Any) -> OAuthProvider:
    return OAuthProvider.model_validate(
        {
            "id": "company",
            "title": "The company",
            "issuer": server.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "registration": True,
            **changes,
        }
    )


@pytest.fixture
async def house(start: Start, provider: OidcServer) -> Process:
    return await start(oauth_providers=(settings_of(provider),))


def browser(house: Process) -> httpx.AsyncClient:
    return house.client(browser=True)


async def sent_to(http: httpx.AsyncClient, path: str = "begin", **more: Any) -> str:
    """Where our page sends the browser."""
    answer = await http.post(f"/api/auth/oauth/company/{path}", json={"next": "/account"}, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def come_back(url: str) -> str:
    """What the provider makes of it: the address that it sends the browser back to."""
    async with aiohttp.ClientSession() as elsewhere, elsewhere.get(url, allow_redirects=False) as response:
        assert response.status == 302
        return response.headers["location"]


async def finish(http: httpx.AsyncClient, address: str) -> tuple[str, httpx.Response]:
    """Where the page is in the end."""
    assert address.startswith(f"{PUBLIC_URL}/api/auth/oauth/company/callback?")
    # As a browser comes from another site: it says so, and sends what is Lax.
    headers = {"sec-fetch-site": "cross-site"}
    response = await http.get(address.removeprefix(PUBLIC_URL), headers=headers)
    assert response.status_code == 303, response.text
    return response.headers["location"], response


async def signed_in(house: Process, http: httpx.AsyncClient) -> str:
    where, _ = await finish(http, await come_back(await sent_to(http)))
    return where


async def me(http: httpx.AsyncClient) -> dict[str, Any] | None:
    answer = await http.get("/api/auth/me")
    return dict(answer.json()) if answer.status_code == 200 else None


async def test_somebody_new_gets_an_account_and_comes_in_again(house: Process, provider: OidcServer) -> None:
    ids = set()
    for _ in range(2):
        async with browser(house) as http:
            assert await signed_in(house, http) == "/account"
            found = await me(http)
        assert found is not None
        assert (found["email"], found["name"], found["email_verified"]) == (
            provider.someone.email,
            "Kim Park",
            True,
        )
        ids.add(found["id"])
    assert len(ids) == 1
    # The same person under another address and name there is the same person here.
    provider.someone.email = f"{secrets.token_hex(6)}@example.com"
    async with browser(house) as http:
        await signed_in(house, http)
        again = await me(http)
    assert again is not None
    assert again["id"] in ids


async def test_another_subject_with_the_same_address_is_another_person(
    house: Process, provider: OidcServer
) -> None:
    """Where the address is verified on both sides it is the same account, and never by the subject alone."""
    async with browser(house) as http:
        await signed_in(house, http)
        first = await me(http)
    provider.someone = Someone(subject=provider.someone.subject, email="other@example.com")
    provider.someone.subject = "another-" + provider.someone.subject
    async with browser(house) as http:
        await signed_in(house, http)
        second = await me(http)
    assert first is not None
    assert second is not None
    assert first["id"] != second["id"]


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_unverified_address_is_never_linked_and_makes_no_account(
    house: Process, provider: OidcServer, person: MakePerson, postgres: Postgres, verified: object
) -> None:
    kim = await person(house)
    await postgres.execute("UPDATE users SET email_verified_at = now() WHERE id = $1", kim.user_id)
    provider.someone = Someone(email=kim.email, email_verified=verified)
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"
        assert await me(http) is None
    provider.someone = Someone(email_verified=verified)
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"


async def test_an_account_whose_address_was_never_proved_is_not_taken_over(
    house: Process, provider: OidcServer, person: MakePerson, postgres: Postgres
) -> None:
    """Somebody registered with another's address and waits for the owner to link theirs."""
    squatter = await person(house)
    provider.someone = Someone(email=squatter.email)
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"
    await postgres.execute("UPDATE users SET email_verified_at = now() WHERE id = $1", squatter.user_id)
    async with browser(house) as http:
        assert await signed_in(house, http) == "/account"
        found = await me(http)
    assert found is not None
    assert found["id"] == squatter.user_id


async def test_who_may_not_register_gets_no_account(start: Start, provider: OidcServer) -> None:
    closed = await start(oauth_providers=(settings_of(provider, registration=False),))
    async with browser(closed) as http:
        assert await signed_in(closed, http) == "/sign-in#problem=sign_in_refused"


async def test_a_missing_foreign_or_replayed_state_is_refused(house: Process) -> None:
    async with browser(house) as http:
        address = await come_back(await sent_to(http))
        state = parse_qs(urlsplit(address).query)["state"][0]
        for forged in (
            address.replace(state, ""),
            address.replace(state, "x" * 43),
            address.split("?")[0] + "?",
        ):
            where, _ = await finish(http, forged)
            assert where == "/sign-in#problem=sign_in_refused"
        assert (await finish(http, address))[0] == "/account"
        http.cookies.clear()
        where, _ = await finish(http, address)
        assert where == "/sign-in#problem=sign_in_refused"


async def test_another_browser_cannot_end_what_this_one_began(house: Process) -> None:
    """The attacker begins, and has the victim's browser finish: it would be signed in as the attacker."""
    async with browser(house) as attacker, browser(house) as victim:
        address = await come_back(await sent_to(attacker))
        where, _ = await finish(victim, address)
        assert where == "/sign-in#problem=sign_in_refused"
        assert await me(victim) is None
        await sent_to(victim)
        address = await come_back(await sent_to(attacker))
        assert (await finish(victim, address))[0] == "/sign-in#problem=sign_in_refused"


async def test_a_sign_in_takes_ten_minutes_at_most(house: Process) -> None:
    assert 60 <= LIFETIME_SECONDS <= 900
    async with browser(house) as http:
        answer = await http.post("/api/auth/oauth/company/begin", json={})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("Secure", "HttpOnly", "SameSite=lax", f"Max-Age={LIFETIME_SECONDS}", "Path=/"):
        assert part.lower() in cookie.lower()


async def test_a_code_without_its_verifier_is_of_no_use(house: Process, provider: OidcServer) -> None:
    """Somebody has read the victim's code, and shows it in a sign-in of their own."""
    async with browser(house) as victim, browser(house) as thief:
        stolen = parse_qs(urlsplit(await come_back(await sent_to(victim))).query)["code"][0]
        own = await come_back(await sent_to(thief))
        code = parse_qs(urlsplit(own).query)["code"][0]
        where, _ = await finish(thief, own.replace(code, stolen))
        assert where == "/sign-in#problem=provider_failed"
        assert await me(thief) is None


NOW = int(time.time())


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": [CLIENT_ID, "somebody-else"]},
        {"azp": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": NOW - 3600},
        {"iat": NOW - 3600},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": None},
    ],
)
async def test_a_token_that_says_something_wrong_is_refused(
    house: Process, provider: OidcServer, lie: dict[str, Any]
) -> None:
    def forge(claims: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**claims, **lie}.items() if value is not None}

    provider.forge = forge
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"
        assert await me(http) is None


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, "none", headers={"kid": "key-1"})  # type: ignore[arg-type]


def by_secret(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, CLIENT_SECRET * 2, "HS256", headers={"kid": "key-1"})


def by_another_key(claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return jwt.encode(claims, key, "RS256", headers={"kid": "key-1"})


def by_an_unknown_key(claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return jwt.encode(claims, key, "RS256", headers={"kid": "key-2"})


def by_nobody(claims: dict[str, Any]) -> str:
    return "not.a.token"


@pytest.mark.parametrize("sign", [unsigned, by_secret, by_another_key, by_an_unknown_key, by_nobody])
async def test_a_forged_signature_is_refused(house: Process, provider: OidcServer, sign: Any) -> None:
    provider.sign = sign
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"


@pytest.mark.parametrize("answer_as", ["https://honest.example", None])
async def test_an_answer_of_another_issuer_is_refused(
    house: Process, provider: OidcServer, answer_as: str | None
) -> None:
    provider.answer_as = answer_as
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"


async def test_an_answer_of_one_provider_does_not_end_a_sign_in_at_another(
    start: Start, provider: OidcServer
) -> None:
    async with serving(OidcServer) as other:
        both = (settings_of(provider), settings_of(other, id="other"))
        house = await start(oauth_providers=both)
        async with browser(house) as http:
            address = await come_back(await sent_to(http))
            mixed = address.removeprefix(PUBLIC_URL).replace("/company/", "/other/")
            response = await http.get(mixed)
            assert response.headers["location"] == "/sign-in#problem=sign_in_refused"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://user@evil.example/token"},
        {"jwks_uri": "http://169.254.169.254/latest"},
        {"jwks_uri": None},
    ],
)
async def test_a_description_that_does_not_fit_is_refused(
    house: Process, provider: OidcServer, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    async with browser(house) as http:
        begun = await http.post("/api/auth/oauth/company/begin", json={})
        if begun.status_code == 200:
            where, _ = await finish(http, await come_back(begun.json()["url"]))
            assert where == "/sign-in#problem=provider_failed"
        else:
            assert (begun.status_code, begun.json()["code"]) == (502, "provider_failed")


async def test_what_is_asked_behind_a_password_is_asked_here_too(
    house: Process, provider: OidcServer, person: MakePerson, postgres: Postgres, clock: MovableClock
) -> None:
    kim = await person(house)
    await postgres.execute("UPDATE users SET email_verified_at = now() WHERE id = $1", kim.user_id)
    app = await set_up(house, kim, clock)
    provider.someone = Someone(email=kim.email)
    async with browser(house) as http:
        where = await signed_in(house, http)
        assert await me(http) is None
    assert where.startswith("/sign-in#step=")
    token, methods = where.removeprefix("/sign-in#step=").split(".", 1)
    assert methods == "code"
    assert (await second_step(house, token, app.next_code())).status_code == 200


async def test_a_way_in_is_added_and_taken_away(
    house: Process, provider: OidcServer, person: MakePerson
) -> None:
    kim, mia = await person(house), await person(house)
    provider.someone = Someone(email_verified=False)
    async with browser(house) as http:
        await http.post("/api/auth/login", json=kim.credentials)
        where, _ = await finish(http, await come_back(await sent_to(http, "link")))
        assert where == "/account"
        (item,) = (await http.get("/api/auth/oauth/identities")).json()["items"]
        assert item["provider"] == "company"
    async with browser(house) as http:
        assert await signed_in(house, http) == "/account", "it opens the account without a verified address"
        found = await me(http)
        assert found is not None
        assert found["id"] == kim.user_id
    async with browser(house) as http:
        await http.post("/api/auth/login", json=mia.credentials)
        where, _ = await finish(http, await come_back(await sent_to(http, "link")))
        assert where == "/account#problem=sign_in_refused", "one identity would open two accounts"
        found = await me(http)
        assert found is not None
        assert found["id"] == mia.user_id, "who wanted to add it is signed in as before"
        path = f"/api/auth/oauth/identities/{item['id']}"
        assert (await http.delete(path)).status_code == 404
        await http.post("/api/auth/login", json=kim.credentials)
        assert (await http.delete(path)).status_code == 204
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"


async def test_the_only_way_in_stays(house: Process, provider: OidcServer) -> None:
    async with browser(house) as http:
        await signed_in(house, http)
        (item,) = (await http.get("/api/auth/oauth/identities")).json()["items"]
        refused = await http.delete(f"/api/auth/oauth/identities/{item['id']}")
        assert refused.status_code == 409


async def test_whoever_has_no_password_is_refused_like_everybody_at_the_door(
    house: Process, provider: OidcServer
) -> None:
    async with browser(house) as http:
        await signed_in(house, http)
    async with house.client() as http:
        answers = []
        for email in (provider.someone.email, "nobody@example.com"):
            house.hasher.calls = 0
            answer = await http.post("/api/auth/login", json={"email": email, "password": "x" * 20})
            answers.append((answer.status_code, answer.content, house.hasher.calls))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_a_disabled_account_is_not_opened(house: Process, provider: OidcServer) -> None:
    async with browser(house) as http:
        await signed_in(house, http)
    assert provider.someone.email is not None
    await house.auth.accounts.set_active(provider.someone.email, active=False)
    async with browser(house) as http:
        assert await signed_in(house, http) == "/sign-in#problem=sign_in_refused"


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a b", "/\r\nx: y", ""]
)
async def test_the_page_goes_on_below_our_own_address_only(house: Process, path: str) -> None:
    async with browser(house) as http:
        answer = await http.post("/api/auth/oauth/company/begin", json={"next": path})
    assert answer.status_code == 422


async def test_another_sites_page_begins_nothing_and_an_unknown_provider_is_not_found(
    house: Process, person: MakePerson
) -> None:
    async with house.client(**{"sec-fetch-site": "cross-site", "origin": "https://evil.example"}) as http:
        assert (await http.post("/api/auth/oauth/company/begin", json={})).status_code == 403
    kim = await person(house)
    async with browser(house) as http:
        assert (await http.post("/api/auth/oauth/nobody/begin", json={})).status_code == 404
        assert (await http.post("/api/auth/oauth/company/link", json={})).status_code == 401
        assert (await http.get("/api/auth/oauth/providers")).json() == {
            "items": [{"id": "company", "title": "The company"}]
        }
        await http.post("/api/auth/login", json=kim.credentials)
        assert (await http.get("/api/auth/oauth/company/link")).status_code == 405


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "oidc"},
        {"kind": "microsoft"},
        {"kind": "google", "id": "A B"},
        {"kind": "google", "client_id": ""},
        {"kind": "saml"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    complete = {"id": "x", "title": "X", "client_id": "c", "client_secret": "s"}
    with pytest.raises(ValueError, match=r"\w"):
        OAuthProvider.model_validate({**complete, **wrong})
    known = OAuthProvider.model_validate({**complete, "kind": "microsoft", "tenant": "example.com"})
    assert known.discovery_issuer == "https://login.microsoftonline.com/example.com/v2.0"


async def test_sign_ins_that_nobody_ends_are_bounded(start: Start, provider: OidcServer) -> None:
    process = await start(oauth_providers=(settings_of(provider),), logins_per_minute=1)
    statuses = []
    async with process.client(browser=True, address="203.0.113.201") as http:
        for _ in range(7):
            answer = await http.post("/api/auth/oauth/company/begin", json={})
            statuses.append(answer.status_code)
    assert statuses == [200] * 6 + [429]
