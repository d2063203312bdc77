"""Rows of summaries."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """Of the first `messages` messages on the way from the root to the message `message_id`, which it ends
    with. `tokens` is how many the text has."""

    message_id: str
    conversation_id: str
    messages: int
    text: str
    model: str
    tokens: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Passage:
    """One message that is to be summarised."""

    id: str
    depth: int
    role: str
    content: str
