"""Conversations and messages on the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.conversations.tables import ConversationRow, MessageRow

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
SystemPrompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConversationIn(_In):
    title: Title | None = None
    model: ModelName | None = None
    system_prompt: SystemPrompt | None = None


class ConversationPatch(_In):
    title: Title


class ConversationOut(BaseModel):
    id: str
    title: str | None
    model: str | None
    created_at: datetime
    updated_at: datetime
    running_turn_id: str | None

    @classmethod
    def of(cls, row: ConversationRow) -> "ConversationOut":
        return cls(
            id=row.id,
            title=row.title,
            model=row.model,
            created_at=row.created_at,
            updated_at=row.updated_at,
            running_turn_id=row.running_turn_id,
        )


class ConversationPage(BaseModel):
    items: list[ConversationOut]
    next_cursor: str | None


class MessageOut(BaseModel):
    id: str
    conversation_id: str
    parent_id: str | None
    turn_id: str | None
    role: str
    content: str
    status: str
    model: str | None
    revision: str | None
    finish_reason: str | None
    error: dict[str, Any] | None
    prompt_tokens: int | None
    completion_tokens: int | None
    ttft_ms: float | None
    duration_ms: float | None
    trimmed_messages: int | None
    created_at: datetime

    @classmethod
    def of(cls, row: MessageRow) -> "MessageOut":
        return cls(
            id=row.id,
            conversation_id=row.conversation_id,
            parent_id=row.parent_id,
            turn_id=row.turn_id,
            role=row.role,
            content=row.content,
            status=row.status,
            model=row.model,
            revision=row.revision,
            finish_reason=row.finish_reason,
            error=dict(row.error) if row.error else None,
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            ttft_ms=row.ttft_ms,
            duration_ms=row.duration_ms,
            trimmed_messages=row.trimmed_messages,
            created_at=row.created_at,
        )


class MessagePage(BaseModel):
    items: list[MessageOut]
    next_cursor: str | None
