"""Wire types of sessions."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from auth.accounts.schemas import Password, UserView
from auth.mfa.schemas import Code
from auth.passkeys.schemas import Answer
from auth.sessions.service import Grant
from auth.sessions.tables import DeviceRow


class LoginRequest(BaseModel):
    """POST /api/auth/login."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)]
    password: Password


class SecondStepBody(BaseModel):
    """`token` is for the second step alone, within `expires_in` seconds. `methods`: `code`, `passkey`."""

    token: str
    methods: list[str]
    expires_in: int


class SecondStepRequest(BaseModel):
    """POST /api/auth/login/second-factor."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[SecretStr, Field(max_length=128)]
    code: Code


class SecondStepView(BaseModel):
    """The answer to a right password where a second factor is asked for too."""

    second_factor: SecondStepBody


class StepUpRequest(BaseModel):
    """POST /api/auth/step-up: a code or a passkey from whoever has a second factor, the password from
    everybody else."""

    model_config = ConfigDict(extra="forbid")

    password: Password | None = None
    code: Code | None = None
    passkey: Answer | None = None


class DeviceView(BaseModel):
    """One of a person's live sessions. `current`: the one that asks."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    second_factor: bool
    current: bool

    @classmethod
    def of(cls, row: DeviceRow, *, current: str | None) -> Self:
        """All of the row."""
        known = {name: getattr(row, name) for name in DeviceRow.__slots__}
        return cls(**known, current=row.id == current)


class DeviceList(BaseModel):
    """GET /api/auth/sessions."""

    items: list[DeviceView]


class EndedSessions(BaseModel):
    """How many sessions ended."""

    ended_sessions: int


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
