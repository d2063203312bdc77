"""Rows of groups."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from auth.budget import Budget
from core.postgres import Record

GROUP_COLUMNS: Final = "id, name, models, tokens_per_day, tokens_per_month, created_at"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group. `models` None: its members may ask all of them. `budget` is of all members together."""

    id: str
    name: str
    models: frozenset[str] | None
    budget: Budget
    created_at: datetime

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds GROUP_COLUMNS."""
        return cls(
            id=record["id"],
            name=record["name"],
            models=None if record["models"] is None else frozenset(record["models"]),
            budget=Budget.of(record),
            created_at=record["created_at"],
        )
