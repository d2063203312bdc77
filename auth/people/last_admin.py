"""Somebody who looks after people is always left."""

from typing import Final

from core.postgres import Connection

# Two administrators who take the role from each other at once must not both succeed.
_LOCK: Final = 0x6875_6164


async def is_last_admin(connection: Connection, user_id: str) -> bool:
    """Whether this is the only administrator who is not about to be gone. Until the transaction ends, nobody
    else gets an answer to this question."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND status = 'active' AND id = $1) "
            "AND NOT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND status = 'active' "
            "AND delete_at IS NULL AND id <> $1)",
            user_id,
        )
    )
