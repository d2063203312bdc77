"""Links that prove that somebody reads the mails of an address: each works once, and not for long."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.ids import new_secret
from core.postgres import Connection, Postgres


class Purpose(StrEnum):
    """What a link is good for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a purpose
    CHANGE_EMAIL = "change_email"


LIFETIMES: Final = {
    Purpose.VERIFY_EMAIL: timedelta(hours=24),
    Purpose.RESET_PASSWORD: timedelta(minutes=30),
    Purpose.CHANGE_EMAIL: timedelta(hours=24),
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a link that was used has proved."""

    user_id: str
    purpose: Purpose
    email: str


class OneTimeLinks:
    """Makes and takes the tokens of links. 256 random bits each, of which only a hash is stored."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def make(self, user_id: str, purpose: Purpose, email: str, now: datetime) -> str:
        """A fresh token; earlier ones of this person for the same purpose and address are void."""
        token = new_secret()
        async with self._postgres.transaction() as connection:
            await connection.execute(
                "DELETE FROM one_time_links WHERE user_id = $1 AND purpose = $2 AND email = $3",
                user_id,
                purpose,
                email,
            )
            await connection.execute(
                "INSERT INTO one_time_links (token_hash, user_id, purpose, email, created_at, expires_at) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
                _hash(token),
                user_id,
                purpose,
                email,
                now,
                now + LIFETIMES[purpose],
            )
        return token

    async def peek(self, token: str, purposes: frozenset[Purpose], now: datetime) -> Proof | None:
        """What the token would prove, while it is left as it is."""
        row = await self._postgres.fetchrow(
            "SELECT user_id, purpose, email FROM one_time_links WHERE token_hash = $1 "
            "AND purpose = ANY($2::text[]) AND expires_at > $3",
            _hash(token),
            list(purposes),
            now,
        )
        return Proof(row["user_id"], Purpose(row["purpose"]), row["email"]) if row else None

    async def take(self, connection: Connection, token: str) -> bool:
        """Make the token void; False where it was so already."""
        tag = await connection.execute("DELETE FROM one_time_links WHERE token_hash = $1", _hash(token))
        return tag == "DELETE 1"

    async def void(self, connection: Connection, user_id: str, purpose: Purpose) -> None:
        """End all links of this person for this purpose."""
        await connection.execute(
            "DELETE FROM one_time_links WHERE user_id = $1 AND purpose = $2", user_id, purpose
        )

    async def purge(self, now: datetime) -> None:
        """Delete what has expired."""
        await self._postgres.execute("DELETE FROM one_time_links WHERE expires_at <= $1", now)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
