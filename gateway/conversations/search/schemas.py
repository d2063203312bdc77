"""Search results on the wire: plain text in pieces, never markup."""

from datetime import datetime

from pydantic import BaseModel


class Fragment(BaseModel):
    """A piece of an excerpt; `match` says that it is what was searched for."""

    text: str
    match: bool


class SearchHit(BaseModel):
    """A message, or with `message_id` null, the conversation whose title it is."""

    conversation_id: str
    title: str | None
    message_id: str | None
    role: str | None
    fragments: list[Fragment]
    created_at: datetime


class SearchPage(BaseModel):
    items: list[SearchHit]
    next_cursor: str | None
