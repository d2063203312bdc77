"""An identity provider on loopback: honest unless it is told to lie."""

import base64
import hashlib
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "headrace", "a secret of the provider"


@dataclass
class Someone:
    """Who is signed in at the provider."""

    subject: str = field(default_factory=lambda: secrets.token_hex(6))
    email: str | None = field(default_factory=lambda: f"{secrets.token_hex(6)}@example.com")
    email_verified: Any = True
    name: str | None = "Kim Park"


@dataclass
class OidcServer:
    """OpenID Connect with PKCE.

    Attributes:
        someone: whose browser it believes to see.
        forge: changes the claims of the next tokens.
        sign: makes the token of claims, in place of its own key.
        metadata: changes its description.
        answer_as: the issuer that its answers name.
    """

    issuer: str
    someone: Someone = field(default_factory=Someone)
    forge: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    sign: Callable[[dict[str, Any]], str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    answer_as: str | None = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def describe(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "authorization_response_iss_parameter_supported": True,
                **self.metadata,
            }
        )

    async def authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"]}
        if self.answer_as is not None:
            answer["iss"] = self.answer_as or self.issuer
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(answer)}")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        scheme, _, sent = request.headers["authorization"].partition(" ")
        assert scheme == "Basic"
        client = [unquote_plus(part) for part in base64.b64decode(sent).decode().split(":")]
        asked = self.codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = (
            client == [CLIENT_ID, CLIENT_SECRET]
            and asked is not None
            and asked["redirect_uri"] == form["redirect_uri"]
            and asked["code_challenge"] == challenge
        )
        if not right or asked is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.someone.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": self.someone.email,
            "email_verified": self.someone.email_verified,
            "name": self.someone.name,
        }
        if self.forge is not None:
            claims = self.forge(claims)
        sign = self.sign or self.signed
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": sign(claims)})

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, "RS256", headers={"kid": "key-1"})

    async def jwks(self, _: web.Request) -> web.Response:
        jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return web.json_response({"keys": [{**jwk, "kid": "key-1", "use": "sig", "alg": "RS256"}]})


@asynccontextmanager
async def serving(make: Callable[[str], Any]) -> AsyncIterator[Any]:
    """A provider on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make(f"http://127.0.0.1:{port}")
    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", server.describe),
            web.get("/authorize", server.authorize),
            web.post("/token", server.token),
            web.get("/jwks", server.jwks),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield server
    finally:
        await runner.cleanup()
