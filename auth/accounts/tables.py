"""Rows of users."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from auth.budget import Budget
from auth.principal import Role
from core.postgres import Record

USER_COLUMNS = (
    "id, email, name, password_hash, password_long, role, status, email_verified_at, created_at, "
    "language, time_zone, tokens_per_day, tokens_per_month, group_id, delete_at, "
    "picture_tag"
)


@dataclass(frozen=True, slots=True)
class UserRow:
    """One account. `password_hash` is None where the person has another way in; `password_long` says whether
    the password may be the only factor, `delete_at` when the account is erased,
    `picture_tag` names their picture where they have one."""

    id: str
    email: str
    name: str
    password_hash: str | None
    password_long: bool
    role: Role
    active: bool
    verified: bool
    created_at: datetime
    language: str | None
    time_zone: str | None
    budget: Budget
    group_id: str | None
    delete_at: datetime | None
    picture_tag: str | None

    def is_open(self, now: datetime) -> bool:
        """Whether anything opens it at this moment."""
        return self.active and (self.delete_at is None or now < self.delete_at)

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds USER_COLUMNS."""
        return cls(
            id=record["id"],
            email=record["email"],
            name=record["name"],
            password_hash=record["password_hash"],
            password_long=record["password_long"],
            role=Role(record["role"]),
            active=record["status"] == "active",
            verified=record["email_verified_at"] is not None,
            created_at=record["created_at"],
            language=record["language"],
            time_zone=record["time_zone"],
            budget=Budget.of(record),
            group_id=record["group_id"],
            delete_at=record["delete_at"],
            picture_tag=record["picture_tag"],
        )
