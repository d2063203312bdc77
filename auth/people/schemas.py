"""Wire types of people, as administrators see them."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from auth.budget import BudgetBody
from auth.people.repository import PersonRow
from auth.principal import Role


class PersonView(BaseModel):
    """One account. `budget` null in its parts: what the settings say for everybody."""

    id: str
    email: str
    name: str
    role: Role
    active: bool
    email_verified: bool
    second_factor: bool
    open_sessions: int
    last_seen_at: datetime | None
    created_at: datetime
    budget: BudgetBody
    group_id: str | None
    group_name: str | None
    delete_at: datetime | None

    @classmethod
    def of(cls, row: PersonRow) -> Self:
        """What of the row an administrator sees."""
        user = row.user
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            active=user.active,
            email_verified=user.verified,
            second_factor=row.has_factor,
            open_sessions=row.open_sessions,
            last_seen_at=row.last_seen_at,
            created_at=user.created_at,
            budget=BudgetBody.of(user.budget),
            group_id=user.group_id,
            group_name=row.group_name,
            delete_at=user.delete_at,
        )


class PeoplePage(BaseModel):
    """Newest first; `next_cursor` goes on, null at the end."""

    items: list[PersonView]
    next_cursor: str | None


class ChangePersonRequest(BaseModel):
    """PATCH /api/admin/users/{id}. What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    active: bool | None = None
    # null: out of the group they are in.
    group_id: Annotated[str, Field(max_length=64)] | None = None
