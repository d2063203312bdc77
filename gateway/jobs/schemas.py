"""Jobs on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.jobs.tables import JobStatusRow


class JobIn(BaseModel):
    """A summary of the part of a conversation that its last answer could not read."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["summary"]
    conversation_id: Annotated[str, StringConstraints(max_length=64)]


class JobOut(BaseModel):
    """`error` says why a failed job failed, and why one that is tried again is not done yet."""

    id: str
    kind: str
    state: Literal["queued", "running", "succeeded", "failed"]
    conversation_id: str | None
    attempts: int
    error: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: JobStatusRow) -> "JobOut":
        return cls.model_validate(row, from_attributes=True)


class JobPage(BaseModel):
    items: list[JobOut]
    next_cursor: str | None
