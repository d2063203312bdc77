"""What a link shows: no name and no id of whose it is."""

from datetime import datetime

from pydantic import BaseModel


class SharedMessage(BaseModel):
    role: str
    content: str
    model: str | None
    created_at: datetime


class SharedConversation(BaseModel):
    title: str | None
    created_at: datetime
    messages: list[SharedMessage]
