"""Wire types of API keys."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from auth.accounts.schemas import ShortText
from auth.api_keys.tables import KeyRow
from auth.budget import BudgetBody
from auth.principal import Scope


class KeyScope(StrEnum):
    """What a key may be given."""

    INFERENCE = Scope.INFERENCE.value
    USAGE = Scope.USAGE.value


ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


Requests = Annotated[int, Field(ge=1, le=1_000_000)]


class RotateKeyRequest(BaseModel):
    """POST /api/keys/{id}/rotate. The old key stays good for `overlap_hours`."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: Annotated[int, Field(ge=0, le=24 * 30)] = 24


class CreateKeyRequest(BaseModel):
    """POST /api/keys."""

    model_config = ConfigDict(extra="forbid")

    name: ShortText
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    budget: BudgetBody = BudgetBody()
    scopes: Annotated[frozenset[KeyScope], Field(min_length=1)] = frozenset({KeyScope.INFERENCE})
    # Left out or null: all of them, also those that come later.
    models: Annotated[list[ModelName], Field(min_length=1, max_length=100)] | None = None
    # Left out or null: as many as the person has.
    requests_per_minute: Requests | None = None


class ChangeKeyRequest(BaseModel):
    """PATCH /api/keys/{id}. A budget replaces the former one; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    budget: BudgetBody | None = None
    requests_per_minute: Requests | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.budget is None and "requests_per_minute" not in self.model_fields_set:
            raise ValueError("name a budget, requests_per_minute, or both")
        return self


class KeyView(BaseModel):
    """A key, without its text."""

    id: str
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    scopes: list[str]
    models: list[str] | None
    budget: BudgetBody
    requests_per_minute: int | None

    @classmethod
    def of(cls, key: KeyRow) -> Self:
        """What of the row its owner sees."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
            scopes=list(key.scopes),
            models=None if key.models is None else list(key.models),
            budget=BudgetBody.of(key.budget),
            requests_per_minute=key.requests_per_minute,
        )


class NewKeyView(KeyView):
    """A key that was just made, with its text: this once."""

    key: str


class KeyList(BaseModel):
    """GET /api/keys."""

    items: list[KeyView]
