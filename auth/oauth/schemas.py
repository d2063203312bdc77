"""Wire types of signing in with an account elsewhere."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints

from auth.oauth.identity import Provider
from auth.oauth.repository import IdentityRow

# Below our own address, and nothing that a browser could take for another.
Path = Annotated[str, StringConstraints(pattern=r"^/([A-Za-z0-9?#][\x21-\x7e]*)?$", max_length=500)]


class ProviderView(BaseModel):
    """One identity provider."""

    id: str
    title: str

    @classmethod
    def of(cls, provider: Provider) -> Self:
        """What anybody may know of it."""
        return cls(id=provider.id, title=provider.title)


class ProviderList(BaseModel):
    """GET /api/auth/oauth/providers."""

    items: list[ProviderView]


class BeginRequest(BaseModel):
    """POST /api/auth/oauth/{provider}/begin and /link. `next`: where in the page to go on."""

    model_config = ConfigDict(extra="forbid")

    next: Path = "/"


class BeginView(BaseModel):
    """Where the browser has to go."""

    url: str


class IdentityView(BaseModel):
    """An identity elsewhere that opens the account."""

    id: str
    provider: str
    email: str | None
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: IdentityRow) -> Self:
        """What of the row its owner sees."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class IdentityList(BaseModel):
    """GET /api/auth/oauth/identities."""

    items: list[IdentityView]
