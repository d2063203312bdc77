"""OpenID Connect, by discovery: the code flow with PKCE, state and nonce."""

import base64
import hashlib
import time
from typing import Any, Final
from urllib.parse import urlencode

import jwt

from auth.oauth.fetching import Fetcher, check_address
from auth.oauth.identity import Identity, Question
from core.errors import ProviderFailed, SignInRefused
from core.settings import OAuthProvider

# Signatures that only the holder of a private key can make. What `none` and HS256 are is not ours to accept.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
DISCOVERY_SECONDS: Final = 3600.0
# Unknown keys are asked for at most this often, or strangers could make us ask.
KEYS_SECONDS: Final = 30.0
LEEWAY_SECONDS: Final = 60
# A token that was made longer ago is not the answer to a question of now.
OLDEST_SECONDS: Final = 600


class OidcProvider:
    """One provider, found by its issuer's address."""

    def __init__(self, settings: OAuthProvider, fetcher: Fetcher) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._issuer = settings.discovery_issuer
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0
        self._keys: dict[str, jwt.PyJWK] = {}
        self._keys_read = 0.0

    @property
    def id(self) -> str:
        return self._settings.id

    @property
    def title(self) -> str:
        return self._settings.title

    @property
    def may_register(self) -> bool:
        return self._settings.registration

    async def address(self, question: Question) -> str:
        metadata = await self._discovered()
        digest = hashlib.sha256(question.verifier.encode()).digest()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._settings.client_id,
                "redirect_uri": question.redirect_uri,
                "scope": "openid email profile",
                "state": question.state,
                "nonce": question.nonce,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )
        return f"{check_address(metadata.get('authorization_endpoint'))}?{query}"

    async def identity(self, question: Question, code: str, issuer: str | None) -> Identity:
        metadata = await self._discovered()
        promised = bool(metadata.get("authorization_response_iss_parameter_supported"))
        if (promised or issuer is not None) and issuer != self._issuer:
            raise SignInRefused("The answer came from another identity provider than the one that was asked.")
        answer = await self._fetcher.post(
            check_address(metadata.get("token_endpoint")),
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": question.redirect_uri,
                "code_verifier": question.verifier,
            },
            (self._settings.client_id, self._settings.client_secret.get_secret_value()),
        )
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise ProviderFailed("The identity provider did not say who you are.")
        claims = await self._claims(token, question.nonce)
        email = claims.get("email")
        return Identity(
            issuer=self._issuer,
            subject=claims["sub"],
            email=email if isinstance(email, str) else None,
            # Some send it as a text; only the truth counts.
            email_verified=claims.get("email_verified") is True,
            name=claims["name"] if isinstance(claims.get("name"), str) else None,
        )

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What a token for us says that answers this question. Raises SignInRefused, ProviderFailed."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in ALGORITHMS or "crit" in header:
                raise SignInRefused
            key = await self._key(kid)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._settings.client_id,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise SignInRefused from error
        parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        authorised = claims.get("azp", self._settings.client_id if len(parties) == 1 else None)
        fits = (
            claims.get("nonce") == nonce
            and authorised == self._settings.client_id
            and isinstance(claims["sub"], str)
            and 0 < len(claims["sub"]) <= 255
            and time.time() - claims["iat"] < OLDEST_SECONDS
        )
        if not fits:
            raise SignInRefused
        return claims

    async def _key(self, kid: object) -> jwt.PyJWK:
        if not isinstance(kid, str):
            raise SignInRefused
        if kid not in self._keys and time.monotonic() - self._keys_read > KEYS_SECONDS:
            metadata = await self._discovered()
            found = await self._fetcher.get(check_address(metadata.get("jwks_uri")))
            self._keys_read = time.monotonic()
            self._keys = _keys_in(found)
        try:
            return self._keys[kid]
        except KeyError as error:
            raise SignInRefused from error

    async def _discovered(self) -> dict[str, Any]:
        if time.monotonic() < self._metadata_until:
            return self._metadata
        found = await self._fetcher.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(found, dict) or found.get("issuer") != self._issuer:
            raise ProviderFailed("The identity provider calls itself otherwise than in the settings.")
        self._metadata, self._metadata_until = found, time.monotonic() + DISCOVERY_SECONDS
        return found


def _keys_in(found: Any) -> dict[str, jwt.PyJWK]:
    keys = {}
    for jwk in found.get("keys", []) if isinstance(found, dict) else []:
        try:
            if jwk.get("kty") != "oct" and jwk.get("use", "sig") == "sig":
                keys[jwk["kid"]] = jwt.PyJWK(jwk)
        except (jwt.PyJWTError, KeyError, TypeError, AttributeError):
            # One key of a kind that we do not know is no reason to refuse the others.
            continue
    return keys
