"""Rows of sessions and refresh tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from auth.accounts.tables import UserRow
from core.postgres import Record


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session: the family of refresh tokens that began with one sign-in."""

    id: str
    user: UserRow
    created_at: datetime
    expires_at: datetime
    revoked: bool

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record with the user's columns, session_id, session_created_at, expires_at, revoked_at."""
        return cls(
            id=record["session_id"],
            user=UserRow.of(record),
            created_at=record["session_created_at"],
            expires_at=record["expires_at"],
            revoked=record["revoked_at"] is not None,
        )

    def is_live(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return not self.revoked and self.user.active and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshTokenRow:
    """One token of a family; `used_at` is None for the newest."""

    token_hash: bytes
    generation: int
    used_at: datetime | None
