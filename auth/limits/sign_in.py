"""Limits on guessing: when they cannot be counted, nobody gets in."""

import hashlib
from typing import Final

from limits import RateLimitItemPerHour, RateLimitItemPerMinute

from auth.accounts.addresses import lookup_form
from auth.client_address import limit_key
from auth.limits.store import LimitStore
from core.errors import RateLimited, Unavailable
from core.keyvalue import KeyValue
from core.log import get_logger

log = get_logger(__name__)

# Tries for one account from one address in five minutes; a success starts the count anew.
TRIES_FROM_ONE_ADDRESS: Final = 10
# Tries for one account in an hour from all addresses that never got in before.
TRIES_FROM_STRANGERS: Final = 60
# Codes of a second factor for one account in a quarter of an hour, from everywhere together.
CODES: Final = 6
# Mails that can be asked for, for one account in an hour, from everywhere together.
MAILS: Final = 5
# Questions to passkeys and sign-ins elsewhere that may be begun from one address for each sign-in that may be
# tried there: whoever looks at the page and goes away again has begun one too.
BEGUN_FOR_EACH_TRY: Final = 6
KNOWN_FOR: Final = 60 * 24 * 3600.0


class SignInLimits:
    """Three counters for each sign-in: one per address, one per account and address, one per account.

    The last is what stops many addresses that try one account. An address from which its owner got in before
    is known and does not count there, so others' guesses cannot lock the owner out.
    """

    def __init__(
        self, store: LimitStore, keyvalue: KeyValue, *, logins_per_minute: int, registrations_per_hour: int
    ) -> None:
        self._store = store
        self._keyvalue = keyvalue
        self._per_address = RateLimitItemPerMinute(logins_per_minute, namespace="login-address")
        self._per_pair = RateLimitItemPerMinute(TRIES_FROM_ONE_ADDRESS, 5, namespace="login-pair")
        self._per_account = RateLimitItemPerHour(TRIES_FROM_STRANGERS, namespace="login-account")
        self._begun = RateLimitItemPerMinute(logins_per_minute * BEGUN_FOR_EACH_TRY, namespace="login-begun")
        self._codes = RateLimitItemPerMinute(CODES, 15, namespace="second-factor")
        self._mails = RateLimitItemPerHour(MAILS, namespace="mail-account")
        self._mails_per_address = RateLimitItemPerHour(registrations_per_hour, namespace="mail-address")
        self._registrations = RateLimitItemPerHour(registrations_per_hour, namespace="register-address")

    async def admit_login(self, address: str, email: str) -> None:
        """Count one try. Raises RateLimited, or Unavailable where it cannot be counted."""
        address, account = limit_key(address), _account(email)
        await self._count(self._per_address, address)
        await self._count(self._per_pair, account, address)
        if await self._keyvalue.get(_known(account, address)) is None:
            await self._count(self._per_account, account)

    async def admit_address(self, address: str) -> None:
        """Count one try of nobody known. Raises RateLimited, or Unavailable where it cannot be counted."""
        await self._count(self._per_address, limit_key(address))

    async def admit_beginning(self, address: str) -> None:
        """Count something that is remembered for whoever may come back. Raises RateLimited, or Unavailable
        where it cannot be counted."""
        await self._count(self._begun, limit_key(address))

    async def note_login(self, address: str, email: str) -> None:
        """Remember that the owner got in from here."""
        address, account = limit_key(address), _account(email)
        try:
            await self._store.clear(self._per_pair, account, address)
            await self._keyvalue.set(_known(account, address), b"1", ttl=KNOWN_FOR)
        except Unavailable:
            # The password was right; what is lost is a convenience for next time.
            log.warning("auth.known_address_not_kept")

    async def admit_registration(self, address: str) -> None:
        """Count one registration. Raises RateLimited, or Unavailable where it cannot be counted."""
        await self._count(self._registrations, limit_key(address))

    async def admit_code(self, user_id: str) -> None:
        """Count one code. Raises RateLimited, or Unavailable where it cannot be counted."""
        await self._count(self._codes, user_id)

    async def forget_codes(self, user_id: str) -> None:
        """A code was right: the next mistakes count anew."""
        try:
            await self._store.clear(self._codes, user_id)
        except Unavailable:
            log.warning("auth.code_count_not_cleared")

    async def admit_mail(self, address: str, email: str) -> None:
        """Count one mail that a stranger asks for, whether there is such an account or not. Raises
        RateLimited, or Unavailable where it cannot be counted."""
        await self._count(self._mails_per_address, limit_key(address))
        await self._count(self._mails, _account(email))

    async def _count(self, item: RateLimitItemPerMinute | RateLimitItemPerHour, *who: str) -> None:
        if not await self._store.hit(item, *who):
            window = await self._store.window(item, *who)
            raise RateLimited(
                "Too many tries in a short time. Wait a little and try again.",
                retry_after=max(1.0, window.next_in),
            )


def _account(email: str) -> str:
    """Addresses of people do not belong into keys that operators list."""
    return hashlib.sha256(lookup_form(email).encode()).hexdigest()[:32]


def _known(account: str, address: str) -> str:
    return f"headrace:known:{account}:{address}"
