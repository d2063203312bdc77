"""The SQL of identities elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from auth.oauth.identity import Identity
from core.ids import new_id
from core.postgres import Postgres, Record

_COLUMNS: Final = "id, user_id, provider, issuer, subject, email, created_at, last_used_at"


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """An identity elsewhere that opens an account here."""

    id: str
    user_id: str
    provider: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds _COLUMNS."""
        values: dict[str, Any] = {name: record[name] for name in cls.__slots__}
        return cls(**values)


class IdentityRepository:
    """Reads and writes identities; each is an issuer and a subject, and belongs to one account."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def use(self, identity: Identity, now: datetime) -> IdentityRow | None:
        """The row of this identity, whose use is noted."""
        row = await self._postgres.fetchrow(
            "UPDATE oauth_identities SET last_used_at = $3, email = $4 "  # noqa: S608
            f"WHERE issuer = $1 AND subject = $2 RETURNING {_COLUMNS}",
            identity.issuer,
            identity.subject,
            now,
            identity.email,
        )
        return IdentityRow.of(row) if row else None

    async def link(
        self, user_id: str, provider: str, identity: Identity, now: datetime
    ) -> IdentityRow | None:
        """Let it open this account; None where it opens one already."""
        row = await self._postgres.fetchrow(
            "INSERT INTO oauth_identities (id, user_id, provider, issuer, subject, email, created_at) "  # noqa: S608
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (issuer, subject) DO NOTHING "
            f"RETURNING {_COLUMNS}",
            new_id("idn"),
            user_id,
            provider,
            identity.issuer,
            identity.subject,
            identity.email,
            now,
        )
        return IdentityRow.of(row) if row else None

    async def of_user(self, user_id: str) -> list[IdentityRow]:
        """A person's identities, oldest first."""
        rows = await self._postgres.fetch(
            f"SELECT {_COLUMNS} FROM oauth_identities WHERE user_id = $1 ORDER BY created_at, id",  # noqa: S608
            user_id,
        )
        return [IdentityRow.of(row) for row in rows]

    async def unlink(self, user_id: str, identity_id: str) -> bool:
        """Whether this person had this identity."""
        tag = await self._postgres.execute(
            "DELETE FROM oauth_identities WHERE id = $2 AND user_id = $1", user_id, identity_id
        )
        return tag == "DELETE 1"
