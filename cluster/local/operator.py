"""The built-in local account and its API key, for the `curl` line that `up` prints.

The account has no password, so nobody can sign in as it; its only key lies in a file of mode 0600. Whoever
may read that file is the person who runs this instance.
"""

import asyncio
from pathlib import Path

from auth.accounts.addresses import lookup_form
from auth.accounts.repository import AccountRepository
from auth.accounts.tables import UserRow
from auth.api_keys.service import ApiKeys
from auth.principal import Role
from auth.wiring import Auth
from cluster.local.directory import write_atomically
from cluster.local.errors import ClusterError
from core.clock import SystemClock
from core.errors import Unauthenticated
from core.keyvalue import KeyValue
from core.postgres import Postgres
from core.settings import Settings

EMAIL = "operator@headrace.localhost"
NAME = "Local operator"
KEY_NAME = "local curl"


def ensure_local_key(settings: Settings, key_file: Path) -> bool:
    """See to it that `key_file` holds a working key of the account. Returns whether a new one was made."""
    current = key_file.read_text().strip() if key_file.exists() else None
    key = asyncio.run(_working_key(settings, current))
    if key == current:
        return False
    write_atomically(key_file, key + "\n")
    return True


async def _working_key(settings: Settings, current: str | None) -> str:
    """The current key if it works, else a new one in place of all the account has."""
    postgres = Postgres(settings.database_url.get_secret_value(), size=2, timeout=settings.database_timeout)
    keyvalue = KeyValue(settings.redis_url.get_secret_value())
    await postgres.start()
    try:
        await keyvalue.start()
        keys = Auth(settings, postgres, keyvalue, SystemClock()).api_keys
        account = await _account(AccountRepository(postgres))
        if current is not None and await _belongs_to(keys, current, account):
            return current
        for old in await keys.of_user(account.id):
            await keys.revoke(account.id, old.id)
        _, text = await keys.create(account.id, KEY_NAME, None)
        return text
    finally:
        await keyvalue.stop()
        await postgres.stop()


async def _belongs_to(keys: ApiKeys, key: str, account: UserRow) -> bool:
    try:
        return (await keys.authenticate(key)).user_id == account.id
    except Unauthenticated:
        # Another database, or somebody revoked it.
        return False


async def _account(accounts: AccountRepository) -> UserRow:
    lookup = lookup_form(EMAIL)
    found = await accounts.by_lookup(lookup)
    if found is None:
        found = await accounts.add(
            email=EMAIL,
            lookup=lookup,
            name=NAME,
            password_hash=None,
            role=Role.USER,
            verified_at=SystemClock().now(),
        ) or await accounts.by_lookup(lookup)
    if found is None:
        raise ClusterError("The local account could not be made; look at the database's log.")
    return found
