"""Conversations and messages on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from gateway.conversations.parameters import Parameters
from gateway.conversations.tables import ConversationRow, MessageRow, SiblingsRow

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
SystemPrompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConversationIn(_In):
    title: Title | None = None
    model: ModelName | None = None
    system_prompt: SystemPrompt | None = None
    parameters: Parameters | None = None
    summarise: bool = False


class ConversationPatch(_In):
    """What should change; the system prompt alone can be taken away, with null."""

    title: Title | None = None
    pinned: bool | None = None
    archived: bool | None = None
    system_prompt: SystemPrompt | None = None
    model: ModelName | None = None
    parameters: Parameters | None = None
    summarise: bool | None = None

    @field_validator("title", "pinned", "archived", "model", "parameters", "summarise", mode="before")
    @classmethod
    def _is_something(cls, value: object) -> object:
        if value is None:
            raise ValueError("leave it out, or give a value")
        return value

    def changes(self) -> dict[str, Any]:
        """The columns that were named, and their values."""
        named: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if self.parameters is not None:
            named["parameters"] = self.parameters.chosen()
        return named


class HeadIn(_In):
    message_id: Annotated[str, StringConstraints(max_length=64)]


class RatingIn(_In):
    """Null takes a rating back."""

    rating: Literal["up", "down"] | None


class ShareOut(BaseModel):
    """`url` is only known to who made the link, at that moment."""

    id: str
    url: str | None
    created_at: datetime


class ConversationOut(BaseModel):
    id: str
    title: str | None
    model: str | None
    pinned: bool
    archived: bool
    system_prompt: str | None
    parameters: dict[str, Any]
    summarise: bool
    share: ShareOut | None
    created_at: datetime
    updated_at: datetime
    running_turn_id: str | None

    @classmethod
    def of(cls, row: ConversationRow) -> "ConversationOut":
        share = None
        if row.share_id is not None and row.shared_at is not None:
            share = ShareOut(id=row.share_id, url=None, created_at=row.shared_at)
        return cls(
            id=row.id,
            title=row.title,
            model=row.model,
            pinned=row.pinned,
            archived=row.archived,
            system_prompt=row.system_prompt,
            parameters=dict(row.parameters),
            summarise=row.summarise,
            share=share,
            created_at=row.created_at,
            updated_at=row.updated_at,
            running_turn_id=row.running_turn_id,
        )


class ConversationPage(BaseModel):
    items: list[ConversationOut]
    next_cursor: str | None


class TurnFigures(BaseModel):
    """The turn that wrote an answer; times in milliseconds."""

    id: str
    status: str
    revision: str
    finish_reason: str | None
    error: dict[str, Any] | None
    prompt_tokens: int | None
    completion_tokens: int | None
    ttft_ms: float | None
    duration_ms: float | None
    trimmed_messages: int
    summarised_messages: int

    @classmethod
    def of(cls, row: MessageRow) -> "TurnFigures | None":
        if row.turn_id is None or row.turn_status is None:
            return None
        return cls(
            id=row.turn_id,
            status=row.turn_status,
            revision=row.revision or "",
            finish_reason=row.finish_reason,
            error=dict(row.error) if row.error else None,
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            ttft_ms=row.ttft_ms,
            duration_ms=row.duration_ms,
            trimmed_messages=row.trimmed_messages or 0,
            summarised_messages=row.summarised_messages or 0,
        )


class Siblings(BaseModel):
    """Other messages in the same place: edits of a question, other answers. `index` is from 1."""

    index: int = 1
    count: int = 1
    previous_id: str | None = None
    next_id: str | None = None

    @classmethod
    def of(cls, row: SiblingsRow | None) -> "Siblings":
        if row is None:
            return cls()
        return cls(index=row.index, count=row.count, previous_id=row.previous_id, next_id=row.next_id)


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
    summarised_messages: int | None
    rating: str | None
    siblings: Siblings
    turn: TurnFigures | None
    created_at: datetime

    @classmethod
    def of(cls, row: MessageRow, siblings: SiblingsRow | None) -> "MessageOut":
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
            summarised_messages=row.summarised_messages,
            rating=row.rating,
            siblings=Siblings.of(siblings),
            turn=TurnFigures.of(row),
            created_at=row.created_at,
        )


class MessagePage(BaseModel):
    items: list[MessageOut]
    next_cursor: str | None
