"""Challenges: random texts that a passkey signs, each for one act and for one answer."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson
from webauthn.helpers import base64url_to_bytes, generate_challenge, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException

from core.errors import WrongPasskey
from core.keyvalue import KeyValue

LIFETIME_SECONDS: Final = 300


class Act(StrEnum):
    """What a passkey is asked for."""

    ADD = "add"
    SIGN_IN = "sign_in"
    SECOND_STEP = "second_step"
    STEP_UP = "step_up"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was asked. `user_id` None: whoever has a passkey of ours."""

    value: bytes
    user_id: str | None


class PasskeyChallenges:
    """Makes and takes challenges."""

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue

    async def make(self, act: Act, user_id: str | None) -> bytes:
        """A fresh challenge for LIFETIME_SECONDS. Raises Unavailable."""
        challenge = generate_challenge()
        await self._keyvalue.set(_key(act, challenge), orjson.dumps(user_id), ttl=LIFETIME_SECONDS)
        return challenge

    async def take(self, act: Act, client_data_json: str) -> Challenge:
        """The challenge that an answer claims to have signed; it is gone afterwards.

        Raises WrongPasskey where it is not ours, for another act, used or too old; Unavailable.
        """
        try:
            challenge = parse_client_data_json(base64url_to_bytes(client_data_json)).challenge
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise WrongPasskey from error
        said = await self._keyvalue.take(_key(act, challenge))
        if said is None:
            raise WrongPasskey("This took too long, or was answered already. Try again.")
        user_id: str | None = orjson.loads(said)
        return Challenge(challenge, user_id)


def _key(act: Act, challenge: bytes) -> str:
    return f"headrace:passkey:{act}:{hashlib.sha256(challenge).hexdigest()}"
