"""What auth does from time to time by itself."""

import asyncio
from typing import Final

from auth.accounts.one_time_links import OneTimeLinks
from auth.api_keys.service import ApiKeys
from auth.audit.service import AuditLog
from auth.sessions.access_tokens import AccessTokens
from auth.sessions.service import Sessions
from auth.sessions.signing_keys import Keyring
from core.clock import Clock
from core.errors import HeadraceError
from core.log import get_logger

log = get_logger(__name__)

ROUND_SECONDS: Final = 10.0
PURGE_EVERY: Final = 360


class Upkeep:
    """Writes down uses of keys, anchors the audit log, follows changes of the signing keys, deletes what
    ended long ago."""

    def __init__(
        self,
        sessions: Sessions,
        api_keys: ApiKeys,
        keyring: Keyring,
        tokens: AccessTokens,
        links: OneTimeLinks,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._api_keys = api_keys
        self._keyring = keyring
        self._tokens = tokens
        self._links = links
        self._audit = audit
        self._clock = clock

    async def run(self) -> None:
        """Rounds for ever; one that fails is logged, and the next tries again."""
        rounds = 0
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            rounds += 1
            try:
                await self._api_keys.flush_uses()
                if rounds % PURGE_EVERY == 0:
                    await self._sessions.purge()
                    await self._links.purge(self._clock.now())
                await self._audit.anchor_now_and_then()
                self.follow_keys()
            except HeadraceError as error:
                log.warning("auth.upkeep_failed", code=error.code, detail=error.detail)

    def follow_keys(self) -> None:
        """Read the signing keys again where they have changed; tokens of withdrawn ones are dead then."""
        if self._keyring.load():
            self._tokens.forget()
            log.info("auth.signing_keys_read", keys=len(self._keyring.jwks()["keys"]))
