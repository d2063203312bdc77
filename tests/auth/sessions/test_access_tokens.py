import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from auth.sessions.access_tokens import AccessTokens
from auth.sessions.signing_keys import Keyring, create_signing_key
from core.clock import SystemClock
from core.errors import SigningKeyUnusable, Unauthenticated
from core.ids import new_id
from core.settings import Settings
from tests.auth.process import PUBLIC_URL, MakePerson, MovableClock, Person, Process, Start

Forge = Callable[..., str]

# Well-formed, and nobody's.
NOBODY = f"usr_{0:032x}"
NO_SESSION = f"ses_{0:032x}"


@pytest.fixture
async def kim(process: Process, person: MakePerson) -> Person:
    return await person(process)


@pytest.fixture
def key(auth_settings: Settings) -> Ed25519PrivateKey:
    loaded = load_pem_private_key(auth_settings.signing_key_file.read_bytes(), None)
    assert isinstance(loaded, Ed25519PrivateKey)
    return loaded


@pytest.fixture
def forge(kim: Person, key: Ed25519PrivateKey) -> Forge:
    """Makes a token like Kim's with our own key, changed in one place; None takes a field out."""

    def make(header: dict[str, Any] | None = None, **claims: Any) -> str:
        said = {**jwt.decode(kim.access_token, options={"verify_signature": False}), **claims}
        head = {**jwt.get_unverified_header(kim.access_token), **(header or {})}
        parts = [{name: value for name, value in part.items() if value is not None} for part in (head, said)]
        text = ".".join(encode(json.dumps(part).encode()) for part in parts)
        return f"{text}.{encode(key.sign(text.encode()))}"

    return make


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def opens(process: Process, token: str) -> bool:
    """Whether the token opens anything at all: both ways in, as header and as cookie."""
    results = set()
    for path in ("/api/auth/me", "/v1/probe"):
        async with process.client() as http:
            answer = await http.get(path, headers={"authorization": f"Bearer {token}".encode()})
            results.add(answer.status_code)
    if all(" " < character < "\x7f" for character in token):
        async with process.client(browser=True) as http:
            cookie = {"cookie": f"__Host-headrace_access={token}"}
            results.add((await http.get("/api/auth/me", headers=cookie)).status_code)
    assert results in ({200}, {401})
    return results == {200}


async def test_a_token_made_the_same_way_is_accepted(process: Process, forge: Forge) -> None:
    assert await opens(process, forge())


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "Ed25519"},
        {"alg": None},
        {"typ": "JWT"},
        {"typ": "id_token"},
        {"typ": None},
        {"kid": None},
        {"kid": 1},
        {"kid": ["a"]},
        {"kid": {}},
        {"kid": ""},
        {"kid": "../../../../dev/null"},
        {"kid": "/proc/self/environ"},
        {"kid": "x' UNION SELECT 'secret' --"},
        {"kid": "http://attacker.example/key"},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"b64": True},
        {"jku": "https://attacker.example/jwks.json"},
        {"x5u": "https://attacker.example/cert.pem"},
        {"x5c": ["AAAA"]},
        {"cty": "JWT"},
        {"zip": "DEF"},
    ],
    ids=str,
)
async def test_a_header_that_is_not_exactly_ours_is_refused(
    process: Process, forge: Forge, header: dict[str, Any]
) -> None:
    assert not await opens(process, forge(header))


async def test_a_key_that_comes_with_the_token_is_not_used(process: Process, kim: Person) -> None:
    attacker = Ed25519PrivateKey.generate()
    x = encode(attacker.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x}
    claims = jwt.decode(kim.access_token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(kim.access_token)["kid"]
    for headers in ({"typ": "at+jwt", "jwk": jwk}, {"typ": "at+jwt", "kid": kid, "jwk": jwk}):
        assert not await opens(process, jwt.encode(claims, attacker, "EdDSA", headers=headers))
    assert not await opens(
        process, jwt.encode(claims, attacker, "EdDSA", headers={"typ": "at+jwt", "kid": kid})
    )


async def test_our_public_key_as_a_shared_secret_signs_nothing(
    process: Process, kim: Person, key: Ed25519PrivateKey
) -> None:
    claims = jwt.decode(kim.access_token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(kim.access_token)["kid"]
    public = key.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    # PyJWT itself refuses to sign with a PEM text, which an attacker's library would not.
    head = encode(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode())
    body = encode(json.dumps(claims).encode())
    import hashlib
    import hmac

    for secret in (raw, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), b""):
        mac = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
        assert not await opens(process, f"{head}.{body}.{encode(mac)}")
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    assert not await opens(process, jwt.encode(claims, rsa, "RS256", headers={"typ": "at+jwt", "kid": kid}))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://attacker.example"},
        {"iss": None},
        {"iss": [PUBLIC_URL]},
        {"aud": "another-service"},
        {"aud": ["headrace", "another-service"]},
        {"aud": None},
        {"sub": None},
        {"sub": NOBODY},
        {"sub": 7},
        {"sub": "' OR 1=1 --"},
        {"sid": None},
        {"sid": NO_SESSION},
        {"sid": "' OR 1=1 --"},
        {"sid": ["a"]},
        {"exp": None},
        {"exp": 1},
        {"exp": "9999999999"},
        {"exp": 9999999999},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": None},
        {"nbf": 9999999999},
        {"iat": None},
        {"iat": 9999999999},
        {"iat": 0},
        {"jti": None},
    ],
    ids=str,
)
async def test_claims_that_are_not_exactly_ours_are_refused(
    process: Process, forge: Forge, claims: dict[str, Any]
) -> None:
    assert not await opens(process, forge(**claims))


async def test_extra_claims_give_no_rights(process: Process, forge: Forge) -> None:
    token = forge(role="admin", scope="admin", scopes=["admin"])
    async with process.client() as http:
        answer = await http.get("/api/admin/probe", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403


async def test_a_token_dies_after_15_minutes_also_when_it_was_just_used(
    process: Process, kim: Person, clock: MovableClock
) -> None:
    assert await opens(process, kim.access_token)
    clock.move(seconds=899)
    assert await opens(process, kim.access_token)
    clock.move(seconds=2)
    assert not await opens(process, kim.access_token)


async def test_a_refresh_token_opens_nothing(process: Process, kim: Person) -> None:
    assert not await opens(process, kim.refresh_token)


async def test_a_changed_or_broken_token_is_refused(process: Process, kim: Person) -> None:
    head, body, signature = kim.access_token.split(".")
    flipped = signature[:-4] + ("A" if signature[-4] != "A" else "B") + signature[-3:]
    broken = [
        f"{head}.{body}.{flipped}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}..{signature}",
        f".{body}.{signature}",
        "..",
        "a.b.c",
        kim.access_token + "=",
        kim.access_token + ".x",
        kim.access_token[:-1],
        "x" * 5000,
        "\u00e9\u00e9.\u00e9.\u00e9",
        "W10.W10.W10",
        encode(b"[" * 900) + ".e30.e30",
    ]
    for token in broken:
        assert not await opens(process, token)
    assert await opens(process, kim.access_token)


async def test_the_public_keys_verify_our_tokens(process: Process, kim: Person) -> None:
    async with process.client() as http:
        keys = (await http.get("/.well-known/jwks.json")).json()["keys"]
    found = {key["kid"]: key for key in keys}
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in keys)
    jwk = jwt.PyJWK(found[jwt.get_unverified_header(kim.access_token)["kid"]])
    said = jwt.decode(kim.access_token, jwk, ["EdDSA"], audience="headrace", issuer=PUBLIC_URL)
    assert said["sub"] == kim.user_id
    assert "role" not in said


async def test_keys_change_without_ending_sessions_and_withdrawn_ones_open_nothing(
    start: Start, person: MakePerson, auth_settings: Settings, tmp_path: Path
) -> None:
    old_file, new_file, ring = tmp_path / "old.pem", tmp_path / "new.pem", tmp_path / "ring.pem"
    create_signing_key(old_file)
    create_signing_key(new_file)
    shutil.copy(old_file, ring)
    process = await start(signing_key_file=ring)
    kim = await person(process)

    ring.write_bytes(new_file.read_bytes() + old_file.read_bytes())
    process.auth._upkeep.follow_keys()
    assert await opens(process, kim.access_token)
    async with process.client() as http:
        later = (await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})).json()
        racing = await http.post("/api/auth/refresh", json={"refresh_token": kim.refresh_token})
        assert racing.json()["refresh_token"] == later["refresh_token"]
        assert len((await http.get("/.well-known/jwks.json")).json()["keys"]) == 2
    assert await opens(process, later["access_token"])

    ring.write_bytes(new_file.read_bytes())
    process.auth._upkeep.follow_keys()
    assert not await opens(process, kim.access_token)
    assert await opens(process, later["access_token"])


def test_a_key_file_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(SigningKeyUnusable, match="openssl genpkey"):
        Keyring(path).load()
    for text in ("", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        path.write_text(text)
        with pytest.raises(SigningKeyUnusable):
            Keyring(path).load()


def test_a_new_key_file_is_readable_by_its_owner_only_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key.pem"
    create_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create_signing_key(path)
    ring = Keyring(path)
    assert ring.load()
    assert not ring.load()


def test_what_is_remembered_of_tokens_is_bounded(auth_settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr("auth.sessions.access_tokens.MOST_REMEMBERED", 3)
    ring = Keyring(auth_settings.signing_key_file)
    ring.load()
    tokens = AccessTokens(ring, SystemClock(), issuer=PUBLIC_URL)
    for _ in range(9):
        tokens.verify(tokens.issue(new_id("usr"), new_id("ses")))
    assert len(tokens._passed) == 3
    with pytest.raises(Unauthenticated):
        tokens.verify("x")
