"""GitHub: OAuth 2.0 without OpenID Connect; who somebody is has to be asked for."""

import base64
import hashlib
from typing import Any, Final
from urllib.parse import urlencode

from auth.oauth.fetching import Fetcher
from auth.oauth.identity import Identity, Question
from core.errors import ProviderFailed, SignInRefused
from core.settings import OAuthProvider

SITE: Final = "https://github.com"
API: Final = "https://api.github.com"


class GithubProvider:
    """GitHub, or an installation of it at `issuer`, whose API is below `/api/v3`."""

    def __init__(self, settings: OAuthProvider, fetcher: Fetcher) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._site = (settings.issuer or SITE).rstrip("/")
        self._api = API if settings.issuer is None else f"{self._site}/api/v3"

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
        digest = hashlib.sha256(question.verifier.encode()).digest()
        query = urlencode(
            {
                "client_id": self._settings.client_id,
                "redirect_uri": question.redirect_uri,
                "scope": "read:user user:email",
                "state": question.state,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )
        return f"{self._site}/login/oauth/authorize?{query}"

    async def identity(self, question: Question, code: str, issuer: str | None) -> Identity:
        if issuer is not None and issuer != f"{self._site}/login/oauth":
            raise SignInRefused("The answer came from another identity provider than the one that was asked.")
        answer = await self._fetcher.post(
            f"{self._site}/login/oauth/access_token",
            {
                "client_id": self._settings.client_id,
                "client_secret": self._settings.client_secret.get_secret_value(),
                "code": code,
                "redirect_uri": question.redirect_uri,
                "code_verifier": question.verifier,
            },
        )
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            # It says what is wrong with status 200.
            raise SignInRefused
        headers = {"authorization": f"Bearer {token}", "accept": "application/vnd.github+json"}
        user = await self._fetcher.get(f"{self._api}/user", headers)
        number = user.get("id") if isinstance(user, dict) else None
        if type(number) is not int:
            raise ProviderFailed("The identity provider did not say who you are.")
        email = _primary(await self._fetcher.get(f"{self._api}/user/emails", headers))
        name = user.get("name") or user.get("login")
        return Identity(
            issuer=self._site,
            subject=str(number),
            email=email,
            email_verified=email is not None,
            name=name if isinstance(name, str) else None,
        )


def _primary(emails: Any) -> str | None:
    """The address that its owner calls the main one, if it was verified."""
    for one in emails if isinstance(emails, list) else []:
        if isinstance(one, dict) and one.get("primary") is True and one.get("verified") is True:
            return one["email"] if isinstance(one.get("email"), str) else None
    return None
