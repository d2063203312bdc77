"""Wire types of API keys."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from auth.accounts.schemas import ShortText
from auth.api_keys.tables import KeyRow
from auth.budget import BudgetBody


class CreateKeyRequest(BaseModel):
    """POST /api/keys."""

    model_config = ConfigDict(extra="forbid")

    name: ShortText
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    budget: BudgetBody = BudgetBody()


class ChangeKeyRequest(BaseModel):
    """PATCH /api/keys/{id}. The budget replaces the former one."""

    model_config = ConfigDict(extra="forbid")

    budget: BudgetBody


class KeyView(BaseModel):
    """A key, without its text."""

    id: str
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    budget: BudgetBody

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
            budget=BudgetBody.of(key.budget),
        )


class NewKeyView(KeyView):
    """A key that was just made, with its text: this once."""

    key: str


class KeyList(BaseModel):
    """GET /api/keys."""

    items: list[KeyView]
