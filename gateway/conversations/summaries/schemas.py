"""Summaries on the wire."""

from datetime import datetime

from pydantic import BaseModel

from gateway.conversations.summaries.tables import SummaryRow


class SummaryOut(BaseModel):
    """What the model reads instead of the first `messages` messages, which end with `message_id`."""

    message_id: str
    text: str
    model: str
    messages: int
    tokens: int
    created_at: datetime

    @classmethod
    def of(cls, row: SummaryRow) -> "SummaryOut":
        return cls.model_validate(row, from_attributes=True)
