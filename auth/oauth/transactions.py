"""What is remembered of a sign-in while the browser is at the provider."""

import hashlib
import hmac
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from auth.oauth.identity import Question
from core.errors import SignInRefused
from core.ids import new_secret
from core.keyvalue import KeyValue

LIFETIME_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Transaction:
    """One sign-in that began here.

    Attributes:
        provider: its id.
        user_id: who wants to add this way in; None for somebody who wants to come in.
        next: where in the page to go on.
        browser: hash of what the browser keeps: another browser cannot end what this one began.
    """

    provider: str
    question: Question
    user_id: str | None
    next: str
    browser: str


class Transactions:
    """Makes and takes transactions, each found by its state."""

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue

    async def begin(
        self, provider: str, redirect_uri: str, *, user_id: str | None, next_path: str
    ) -> tuple[Transaction, str]:
        """A transaction for LIFETIME_SECONDS, and the secret for the browser. Raises Unavailable."""
        secret = new_secret()
        question = Question(new_secret(), new_secret(), new_secret(size=48), redirect_uri)
        begun = Transaction(provider, question, user_id, next_path, _hash(secret))
        await self._keyvalue.set(_key(question.state), orjson.dumps(asdict(begun)), ttl=LIFETIME_SECONDS)
        return begun, secret

    async def take(self, state: str, provider: str, secret: str | None) -> Transaction:
        """The transaction of a state; it is gone afterwards, whatever comes of it.

        Raises SignInRefused where it is not ours, not this provider's, not this browser's, used or too old.
        """
        said = await self._keyvalue.take(_key(state))
        if said is None or secret is None:
            raise SignInRefused("This sign-in took too long, or began in another browser. Try again.")
        found = orjson.loads(said)
        begun = Transaction(**{**found, "question": Question(**found["question"])})
        if begun.provider != provider or not hmac.compare_digest(begun.browser, _hash(secret)):
            raise SignInRefused("This sign-in took too long, or began in another browser. Try again.")
        return begun


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(state: str) -> str:
    return f"headrace:oauth:{_hash(state)}"
