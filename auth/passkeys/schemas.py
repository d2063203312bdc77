"""Wire types of passkeys. Options and answers are the browser's own, as JSON (WebAuthn level 3)."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from auth.accounts.schemas import ShortText
from auth.passkeys.repository import PasskeyRow

MOST_PARTS = 32


def _small(answer: dict[str, Any]) -> dict[str, Any]:
    response = answer.get("response")
    if not isinstance(response, dict) or max(len(answer), len(response)) > MOST_PARTS:
        raise ValueError("is not what a browser makes of a passkey")
    return answer


# What `PublicKeyCredential.toJSON()` gives.
Answer = Annotated[dict[str, Any], AfterValidator(_small)]
Options = dict[str, Any]


class AddPasskeyRequest(BaseModel):
    """POST /api/auth/passkeys."""

    model_config = ConfigDict(extra="forbid")

    name: ShortText
    credential: Answer


class PasskeyRequest(BaseModel):
    """POST /api/auth/login/passkey."""

    model_config = ConfigDict(extra="forbid")

    credential: Answer


class SecondPasskeyOptionsRequest(BaseModel):
    """POST /api/auth/login/second-factor/passkey/options."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[SecretStr, Field(max_length=128)]


class SecondPasskeyRequest(BaseModel):
    """POST /api/auth/login/second-factor/passkey."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[SecretStr, Field(max_length=128)]
    credential: Answer


class OptionsView(BaseModel):
    """What `navigator.credentials.create` or `.get` takes as `publicKey`."""

    public_key: Options


class PasskeyView(BaseModel):
    """One passkey. `backed_up`: it can be restored on another device of its owner."""

    id: str
    name: str
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: PasskeyRow) -> Self:
        """Without its keys."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class PasskeyList(BaseModel):
    """GET /api/auth/passkeys."""

    items: list[PasskeyView]
