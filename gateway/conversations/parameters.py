"""How a model should write: of a conversation as the default, of a turn as its own choice."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.conversations.response_format import ResponseFormat

StopSequence = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Parameters(BaseModel):
    """What is left out is the model's own default."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    stop: Annotated[list[StopSequence], Field(max_length=4)] | None = None
    response_format: ResponseFormat | None = None

    def chosen(self) -> dict[str, Any]:
        """What differs from the model's own defaults; of a subclass, only what is named here."""
        return self.model_dump(include=set(Parameters.model_fields), exclude_none=True)

    def over(self, defaults: Mapping[str, Any]) -> "Parameters":
        """These where they were given, null included, and `defaults` where they were left out."""
        own: dict[str, Any] = self.model_dump(include=set(Parameters.model_fields), exclude_unset=True)
        return Parameters.model_validate({**defaults, **own})
