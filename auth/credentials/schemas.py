"""Wire types of passwords and addresses."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from auth.accounts.schemas import Password

Address = Annotated[str, Field(max_length=320)]
Token = Annotated[SecretStr, Field(max_length=128)]


class AddressRequest(BaseModel):
    """An email address, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    email: Address


class TokenRequest(BaseModel):
    """POST /api/auth/verify-email."""

    model_config = ConfigDict(extra="forbid")

    token: Token


class ResetRequest(BaseModel):
    """POST /api/auth/reset-password."""

    model_config = ConfigDict(extra="forbid")

    token: Token
    password: Password


class ChangePasswordRequest(BaseModel):
    """POST /api/auth/password."""

    model_config = ConfigDict(extra="forbid")

    current_password: Password
    password: Password
    end_other_sessions: bool = True


class AddressView(BaseModel):
    """The address that was proved."""

    email: str
