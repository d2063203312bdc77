"""What is asked of a promotion."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.spec import Name


class Limits(BaseModel):
    """How much worse than the old revision the new one may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    errors: float = Field(default=0.02, ge=0, le=1)
    """This much more of the requests may fail."""
    waits: float = Field(default=1.5, ge=1, le=100)
    """So many times as long as the slowest twentieth of the old one's may first tokens take."""
    thumbs: float = Field(default=0.25, ge=0, le=1)
    """This much more of the ratings may be thumbs down."""


class Plan(BaseModel):
    """Steps of traffic, and when to go on or back.

    A step goes on after `seconds`, once `min_requests` were judged or `patience_seconds` are over. It goes
    back at once when there is harm, with a doubt of `alpha`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Annotated[list[Annotated[int, Field(ge=1, le=100)]], Field(min_length=1, max_length=20)] = [
        10,
        50,
        100,
    ]
    seconds: float = Field(default=30, ge=0, le=86_400)
    min_requests: int = Field(default=20, ge=0, le=1_000_000)
    patience_seconds: float = Field(default=600, ge=0, le=604_800)
    warm_seconds: float = Field(default=1_800, ge=1, le=86_400)
    """Within this time the new revision has to be ready, and to have passed its evaluation."""
    limits: Limits = Limits()
    alpha: float = Field(default=0.01, gt=0, le=0.5)
    evaluation: Name | None = None
    """The set of prompts that the new revision has to pass before it gets traffic."""
    retire_old: bool = True
    """Whether the revisions without traffic are taken down at the end."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.steps != sorted(set(self.steps)) or self.steps[-1] != 100:
            raise PydanticCustomError("steps", "steps must rise and end with 100")
        if self.patience_seconds < self.seconds:
            raise PydanticCustomError("patience", "patience_seconds must not be below seconds")
        return self
