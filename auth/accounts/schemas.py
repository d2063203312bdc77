"""Wire types of accounts."""

import unicodedata
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from auth.accounts.tables import UserRow
from auth.principal import Role


def _printable(text: str) -> str:
    if any(unicodedata.category(character)[0] == "C" for character in text):
        raise ValueError("must not hold control characters")
    return text


# A secret type, so that no message and no log shows it; bounded, so that nobody has us hash a book.
Password = Annotated[SecretStr, Field(max_length=1024)]
ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_printable),
]


class RegisterRequest(BaseModel):
    """POST /api/auth/register."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)]
    password: Password
    name: ShortText


class Accepted(BaseModel):
    """The answer to a registration, whatever came of it."""

    status: Literal["accepted"] = "accepted"


class UserView(BaseModel):
    """A person, to themselves."""

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime

    @classmethod
    def of(cls, user: UserRow) -> Self:
        """What of the row its owner sees."""
        return cls(id=user.id, email=user.email, name=user.name, role=user.role, created_at=user.created_at)
