"""Single services of auth for the command line, with connections of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auth.accounts.hashing import Argon2Hasher
from auth.accounts.service import Accounts
from auth.audit.service import AuditLog
from auth.wiring import Auth
from core.clock import SystemClock
from core.keyvalue import KeyValue
from core.postgres import Postgres
from core.settings import Settings


@asynccontextmanager
async def accounts_for_command_line(settings: Settings) -> AsyncIterator[Accounts]:
    """The account service alone, with connections of its own: for `create_admin`, `set_role`, `set_active`.

    Needs no signing key, and no Valkey: running processes then learn of a change within 5 s.
    """
    async with _for_command_line(settings) as auth:
        yield auth.accounts


@asynccontextmanager
async def audit_for_command_line(settings: Settings) -> AsyncIterator[AuditLog]:
    """The audit log alone, with connections of its own. Raises core.errors.SigningKeyUnusable: the anchors'
    signatures are checked with our keys."""
    async with _for_command_line(settings) as auth:
        auth.read_signing_keys()
        yield auth.audit


@asynccontextmanager
async def _for_command_line(settings: Settings) -> AsyncIterator[Auth]:
    postgres = Postgres(settings.database_url.get_secret_value(), size=2, timeout=settings.database_timeout)
    keyvalue = KeyValue(settings.redis_url.get_secret_value())
    hasher = Argon2Hasher(threads=1)
    await postgres.start()
    try:
        await keyvalue.start()
        await hasher.start()
        yield Auth(settings, postgres, keyvalue, SystemClock(), hasher=hasher)
    finally:
        await hasher.stop()
        await keyvalue.stop()
        await postgres.stop()
