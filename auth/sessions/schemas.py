"""Wire types of sessions."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from auth.accounts.schemas import Password, UserView
from auth.sessions.service import Grant


class LoginRequest(BaseModel):
    """POST /api/auth/login."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)]
    password: Password


class RefreshTokenBody(BaseModel):
    """POST /api/auth/refresh and /logout, from clients that keep no cookies."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: Annotated[SecretStr, Field(max_length=256)] | None = None


class SignedInView(BaseModel):
    """The answer to a browser: the tokens are in cookies that no script can read."""

    user: UserView
    expires_in: int


class TokensView(SignedInView):
    """The answer to every other client."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    refresh_token: str

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """All of a grant."""
        return cls(
            user=UserView.of(grant.user),
            expires_in=grant.expires_in,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
        )


class TicketView(BaseModel):
    """A ticket for one WebSocket; `expires_in` in seconds."""

    ticket: str
    expires_in: int


class JwksView(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]
