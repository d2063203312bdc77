"""Prompts on the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from gateway.prompts.tables import PromptRow, PromptScope
from gateway.prompts.templates import MOST_VARIABLES, variables_of

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Template = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Value = Annotated[str, StringConstraints(max_length=100_000)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PromptIn(_In):
    name: Name
    description: Description = ""
    template: Template
    scope: PromptScope = PromptScope.PERSONAL


class PromptPatch(_In):
    name: Name | None = None
    description: Description | None = None
    template: Template | None = None

    @field_validator("name", "description", "template", mode="before")
    @classmethod
    def _is_something(cls, value: object) -> object:
        if value is None:
            raise ValueError("leave it out, or give a value")
        return value

    def changes(self) -> dict[str, Any]:
        """What was named."""
        return self.model_dump(exclude_unset=True)


class RenderIn(_In):
    variables: Annotated[dict[str, Value], Field(max_length=2 * MOST_VARIABLES)] = {}


class RenderOut(BaseModel):
    text: str


class PromptOut(BaseModel):
    """`variables` in the order in which they appear."""

    id: str
    name: str
    description: str
    template: str
    variables: list[str]
    scope: PromptScope
    mine: bool
    updated_at: datetime

    @classmethod
    def of(cls, row: PromptRow, user_id: str) -> "PromptOut":
        return cls(
            id=row.id,
            name=row.name,
            description=row.description,
            template=row.template,
            variables=variables_of(row.template),
            scope=row.scope,
            mine=row.user_id == user_id,
            updated_at=row.updated_at,
        )


class PromptList(BaseModel):
    items: list[PromptOut]
