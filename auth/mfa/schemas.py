"""Wire types of second factors."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from auth.mfa.repository import FactorSummary
from auth.mfa.service import Enrolment

Code = Annotated[SecretStr, Field(min_length=1, max_length=64)]


class FactorsView(BaseModel):
    """What a person has besides the password. `totp_since` null: no authenticator app."""

    totp_since: datetime | None
    recovery_codes_left: int
    passkeys: int

    @classmethod
    def of(cls, summary: FactorSummary) -> Self:
        """All of it."""
        return cls(
            totp_since=summary.totp_since,
            recovery_codes_left=summary.recovery_codes_left,
            passkeys=summary.passkeys,
        )


class EnrolmentView(BaseModel):
    """What an authenticator app needs: a picture (an SVG document) or, to be typed, the secret."""

    secret: str
    uri: str
    picture: str

    @classmethod
    def of(cls, enrolment: Enrolment) -> Self:
        """All of it."""
        return cls(secret=enrolment.secret, uri=enrolment.uri, picture=enrolment.picture)


class CodeRequest(BaseModel):
    """A code of the app that is being set up."""

    model_config = ConfigDict(extra="forbid")

    code: Code


class RecoveryCodesView(BaseModel):
    """Recovery codes; they are shown this once."""

    recovery_codes: list[str]
