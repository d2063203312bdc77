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
    authenticated_at: datetime
    second_factor: bool
    revoked: bool

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record with the user's columns, session_id, session_created_at, and those of sessions."""
        return cls(
            id=record["session_id"],
            user=UserRow.of(record),
            created_at=record["session_created_at"],
            expires_at=record["expires_at"],
            authenticated_at=record["authenticated_at"],
            second_factor=record["second_factor"],
            revoked=record["revoked_at"] is not None,
        )

    def is_live(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return not self.revoked and self.user.is_open(now) and now < self.expires_at


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A live session as its owner sees it in a list."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    second_factor: bool

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that has all of these."""
        return cls(**{name: record[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class RefreshTokenRow:
    """One token of a family; `used_at` is None for the newest."""

    token_hash: bytes
    generation: int
    used_at: datetime | None
