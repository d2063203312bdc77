"""Rows of users."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from auth.budget import Budget
from auth.principal import Role
from core.postgres import Record

USER_COLUMNS = (
    "id, email, name, password_hash, role, status, email_verified_at, created_at, "
    "tokens_per_day, tokens_per_month"
)


@dataclass(frozen=True, slots=True)
class UserRow:
    """One account. `password_hash` is None where the person has another way in."""

    id: str
    email: str
    name: str
    password_hash: str | None
    role: Role
    active: bool
    verified: bool
    created_at: datetime
    budget: Budget

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds USER_COLUMNS."""
        return cls(
            id=record["id"],
            email=record["email"],
            name=record["name"],
            password_hash=record["password_hash"],
            role=Role(record["role"]),
            active=record["status"] == "active",
            verified=record["email_verified_at"] is not None,
            created_at=record["created_at"],
            budget=Budget.of(record),
        )
