"""Wire types of accounts."""

import unicodedata
import zoneinfo
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from auth.accounts.tables import UserRow
from auth.principal import Role


def _printable(text: str) -> str:
    if any(unicodedata.category(character)[0] == "C" for character in text):
        raise ValueError("must not hold control characters")
    return text


def _time_zone(name: str) -> str:
    if name not in available_time_zones():
        raise ValueError("must be a name such as Europe/Berlin")
    return name


@lru_cache(maxsize=1)
def available_time_zones() -> frozenset[str]:
    """The names of the time zones that this machine knows; reading them all takes a while."""
    return frozenset(zoneinfo.available_timezones())


# A secret type, so that no message and no log shows it; bounded, so that nobody has us hash a book.
Password = Annotated[SecretStr, Field(max_length=1024)]
ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_printable),
]


# A tag such as `de` or `pt-BR` (BCP 47).
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]


class RegisterRequest(BaseModel):
    """POST /api/auth/register."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)]
    password: Password
    name: ShortText
    # The token of an invitation.
    invitation: Annotated[SecretStr, Field(max_length=128)] | None = None


class ProfileRequest(BaseModel):
    """PATCH /api/auth/me. What is left out stays as it is; null takes a language or a time zone away."""

    model_config = ConfigDict(extra="forbid")

    name: ShortText | None = None
    language: Language | None = None
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_time_zone)] | None = None


class Accepted(BaseModel):
    """The answer to what was asked for, whatever comes of it."""

    status: Literal["accepted"] = "accepted"


class UserView(BaseModel):
    """A person, to themselves. `delete_at`: when the account is erased, null where it stays. `picture`:
    where theirs is, null for none."""

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    email_verified: bool
    language: str | None
    time_zone: str | None
    delete_at: datetime | None
    picture: str | None

    @classmethod
    def of(cls, user: UserRow) -> Self:
        """What of the row its owner sees."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            created_at=user.created_at,
            email_verified=user.verified,
            language=user.language,
            time_zone=user.time_zone,
            delete_at=user.delete_at,
            picture=f"/api/auth/me/picture?v={user.picture_tag}" if user.picture_tag else None,
        )
