"""Wire types of groups."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from auth.accounts.schemas import ShortText
from auth.api_keys.schemas import ModelName
from auth.budget import BudgetBody
from auth.groups.tables import GroupRow


class GroupBody(BaseModel):
    """A whole group on the wire. `models` null: all of them, also those that come later."""

    model_config = ConfigDict(extra="forbid")

    name: ShortText
    models: Annotated[list[ModelName], Field(max_length=100)] | None = None
    budget: BudgetBody = BudgetBody()

    def names(self) -> frozenset[str] | None:
        return None if self.models is None else frozenset(self.models)


class GroupView(BaseModel):
    """A group. An empty list of models: its members may ask none."""

    id: str
    name: str
    models: list[str] | None
    budget: BudgetBody
    members: int
    created_at: datetime

    @classmethod
    def of(cls, row: GroupRow, members: int) -> Self:
        return cls(
            id=row.id,
            name=row.name,
            models=None if row.models is None else sorted(row.models),
            budget=BudgetBody.of(row.budget),
            members=members,
            created_at=row.created_at,
        )


class GroupList(BaseModel):
    """By name."""

    items: list[GroupView]
