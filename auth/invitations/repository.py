"""The SQL of invitations."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from auth.principal import Role
from core.ids import new_id
from core.postgres import Connection, Postgres, Record

_COLUMNS: Final = "id, email, role, invited_by, created_at, expires_at, used_by, used_at"


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """One invitation. `email` None: for whoever has the link."""

    id: str
    email: str | None
    role: Role
    invited_by: str | None
    created_at: datetime
    expires_at: datetime
    used_by: str | None
    used_at: datetime | None

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds _COLUMNS."""
        values: dict[str, Any] = {name: record[name] for name in cls.__slots__}
        return cls(**{**values, "role": Role(values["role"])})


class InvitationRepository:
    """Reads and writes invitations; of a token only a hash."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(
        self, token: str, *, email: str | None, role: Role, invited_by: str, now: datetime, until: datetime
    ) -> InvitationRow:
        """A new invitation."""
        record = await self._postgres.fetchrow(
            "INSERT INTO invitations (id, token_hash, email, role, invited_by, created_at, expires_at) "  # noqa: S608
            f"VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}",
            new_id("inv"),
            hash_of(token),
            email,
            role,
            invited_by,
            now,
            until,
        )
        assert record is not None  # noqa: S101 - an INSERT that does not raise returns its row
        return InvitationRow.of(record)

    async def newest(self, limit: int) -> list[InvitationRow]:
        """Invitations, newest first."""
        rows = await self._postgres.fetch(
            f"SELECT {_COLUMNS} FROM invitations ORDER BY created_at DESC, id DESC LIMIT $1",  # noqa: S608
            limit,
        )
        return [InvitationRow.of(row) for row in rows]

    async def open(self, token: str, now: datetime) -> InvitationRow | None:
        """The invitation of this token, if it can still be used."""
        row = await self._postgres.fetchrow(
            f"SELECT {_COLUMNS} FROM invitations WHERE token_hash = $1 AND used_at IS NULL "  # noqa: S608
            "AND expires_at > $2",
            hash_of(token),
            now,
        )
        return InvitationRow.of(row) if row else None

    async def use(self, connection: Connection, invitation_id: str, user_id: str, now: datetime) -> bool:
        """Use it up; False where somebody else was faster."""
        tag = await connection.execute(
            "UPDATE invitations SET used_at = $3, used_by = $2 WHERE id = $1 AND used_at IS NULL",
            invitation_id,
            user_id,
            now,
        )
        return tag == "UPDATE 1"

    async def delete(self, invitation_id: str) -> bool:
        """Take an unused one back; whether there was one."""
        tag = await self._postgres.execute(
            "DELETE FROM invitations WHERE id = $1 AND used_at IS NULL", invitation_id
        )
        return tag == "DELETE 1"


def hash_of(token: str) -> bytes:
    """What is stored of a token: it is 256 random bits, so a fast hash will do."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
