"""Who somebody is elsewhere, and what asks for it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as a provider names them: `issuer` and `subject` together, and nothing else.

    `email` is for display and for a first account; `email_verified` is whether the provider has proved it.
    """

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """What was sent along, and has to fit what comes back. `verifier` is the secret of PKCE (RFC 7636)."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Provider(Protocol):
    """An identity provider."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def may_register(self) -> bool:
        """Whether people who are new here get an account."""
        ...

    async def address(self, question: Question) -> str:
        """Where the browser is to be sent. Raises core.errors.ProviderFailed."""
        ...

    async def identity(self, question: Question, code: str, issuer: str | None) -> Identity:
        """Who came back with this code; `issuer` is the one that the answer names (RFC 9207), if any.

        Raises core.errors.ProviderFailed, SignInRefused.
        """
        ...
