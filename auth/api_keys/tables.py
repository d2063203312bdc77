"""Rows of API keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from auth.budget import Budget
from core.postgres import Record

KEY_COLUMNS = (
    "id, name, prefix, scopes, models, created_at, expires_at, last_used_at, tokens_per_day, "
    "tokens_per_month, requests_per_minute"
)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key, without anything that it could be found from. `models` None: all of them."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    models: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    budget: Budget
    requests_per_minute: int | None

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds KEY_COLUMNS."""
        return cls(
            id=record["id"],
            name=record["name"],
            prefix=record["prefix"],
            scopes=tuple(record["scopes"]),
            models=None if record["models"] is None else tuple(record["models"]),
            created_at=record["created_at"],
            expires_at=record["expires_at"],
            last_used_at=record["last_used_at"],
            budget=Budget.of(record),
            requests_per_minute=record["requests_per_minute"],
        )
