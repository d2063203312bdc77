"""The only queries of idempotency_keys."""

from dataclasses import dataclass
from typing import Final

from core.postgres import Postgres, Record

# How long somebody who claimed a key is believed to be still at work.
CLAIM_SECONDS: Final = 60.0
KEPT_HOURS: Final = 24

_COLUMNS: Final = (
    "fingerprint, reference, completed_at IS NOT NULL AS completed, claimed_until > now() AS held"
)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of one person.

    Attributes:
        fingerprint: of the request that claimed it.
        reference: the id of what that request makes.
        completed: whether it is known to have been made.
        held: whether its maker is believed to be at work.
    """

    fingerprint: bytes
    reference: str
    completed: bool
    held: bool


class IdempotencyRepository:
    """Keys, each kept for KEPT_HOURS."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def claim(self, user_id: str, key: str, fingerprint: bytes, reference: str) -> bool:
        """Whether the key was free and is ours now."""
        tag = await self._postgres.execute(
            "INSERT INTO idempotency_keys (user_id, key, fingerprint, reference, claimed_until) "
            "VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5)) ON CONFLICT DO NOTHING",
            user_id,
            key,
            fingerprint,
            reference,
            CLAIM_SECONDS,
        )
        return tag == "INSERT 0 1"

    async def claim_again(self, user_id: str, key: str, fingerprint: bytes, reference: str) -> bool:
        """Whether a key whose maker failed or is gone is ours now.

        It keeps its reference, so that a maker who was only slow and we can together make it once.
        """
        tag = await self._postgres.execute(
            "UPDATE idempotency_keys SET fingerprint = $3, claimed_until = now() + make_interval(secs => $5) "
            "WHERE user_id = $1 AND key = $2 AND reference = $4 AND completed_at IS NULL "
            "AND claimed_until <= now()",
            user_id,
            key,
            fingerprint,
            reference,
            CLAIM_SECONDS,
        )
        return tag == "UPDATE 1"

    async def find(self, user_id: str, key: str) -> KeyRow | None:
        row = await self._postgres.fetchrow(
            f"SELECT {_COLUMNS} FROM idempotency_keys WHERE user_id = $1 AND key = $2",  # noqa: S608
            user_id,
            key,
        )
        return _key(row) if row else None

    async def complete(self, user_id: str, key: str, reference: str) -> None:
        """What `reference` names has been made."""
        await self._postgres.execute(
            "UPDATE idempotency_keys SET completed_at = now() "
            "WHERE user_id = $1 AND key = $2 AND reference = $3 AND completed_at IS NULL",
            user_id,
            key,
            reference,
        )

    async def release(self, user_id: str, key: str, reference: str) -> None:
        """Nothing was made: whoever comes next with this key may try."""
        await self._postgres.execute(
            "UPDATE idempotency_keys SET claimed_until = now() "
            "WHERE user_id = $1 AND key = $2 AND reference = $3 AND completed_at IS NULL",
            user_id,
            key,
            reference,
        )

    async def purge(self) -> None:
        """Forget keys that are older than KEPT_HOURS."""
        await self._postgres.execute(
            "DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(hours => $1)", KEPT_HOURS
        )


def _key(row: Record) -> KeyRow:
    return KeyRow(row["fingerprint"], row["reference"], row["completed"], row["held"])
