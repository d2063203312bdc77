"""Between the password and the second factor: a token that opens nothing but the next step."""

import hashlib
from typing import Final

from core.errors import Unauthenticated
from core.ids import new_secret
from core.keyvalue import KeyValue

LIFETIME_SECONDS: Final = 300


class Challenges:
    """Makes and takes tokens, each of which stands for a person whose password was right."""

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue

    async def begin(self, user_id: str) -> str:
        """A token for LIFETIME_SECONDS. Raises Unavailable."""
        token = new_secret()
        await self._keyvalue.set(_key(token), user_id, ttl=LIFETIME_SECONDS)
        return token

    async def who(self, token: str) -> str:
        """Whose it is. Raises Unauthenticated, Unavailable."""
        user_id = await self._keyvalue.get(_key(token))
        if user_id is None:
            raise Unauthenticated("This sign-in took too long. Begin again with your password.")
        return user_id.decode()

    async def end(self, token: str) -> bool:
        """Take it away; False where somebody else was faster."""
        return await self._keyvalue.take(_key(token)) is not None


def _key(token: str) -> str:
    # Hashed, so that whoever can list keys cannot use one.
    return f"headrace:second-step:{hashlib.sha256(token.encode('utf-8', 'replace')).hexdigest()}"
