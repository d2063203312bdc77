"""Rows of conversations and messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


class MessageStatus(StrEnum):
    COMPLETE = "complete"
    STREAMING = "streaming"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation, what runs in it, and under which link it is shared."""

    id: str
    user_id: str
    title: str | None
    model: str | None
    system_prompt: str | None
    parameters: Mapping[str, Any]
    pinned: bool
    archived: bool
    summarise: bool
    head_message_id: str | None
    running_turn_id: str | None
    share_id: str | None
    shared_at: datetime | None
    created_at: datetime
    updated_at: datetime


class MessageRow(msgspec.Struct, frozen=True):
    """A message and, for an answer, the figures of the turn that made it.

    Pages and exports hold hundreds of them: this kind is made in a tenth of the time.
    """

    id: str
    conversation_id: str
    parent_id: str | None
    depth: int
    turn_id: str | None
    role: Role
    content: str
    status: MessageStatus
    model: str | None
    created_at: datetime
    turn_status: str | None = None
    revision: str | None = None
    finish_reason: str | None = None
    error: Mapping[str, Any] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    ttft_ms: float | None = None
    duration_ms: float | None = None
    trimmed_messages: int | None = None
    summarised_messages: int | None = None
    rating: str | None = None


@dataclass(frozen=True, slots=True)
class SiblingsRow:
    """Where a message stands among those with its parent and role, in order of creation, from 1."""

    id: str
    index: int
    count: int
    previous_id: str | None
    next_id: str | None


class SaidRow(msgspec.Struct, frozen=True):
    """A message, and for one of the newest answers what the turn that made it read and wrote.

    The fields stand in the order of the columns in gateway/conversations/history.py.
    """

    id: str
    parent_id: str | None
    depth: int
    role: str
    content: str
    status: str
    model: str | None
    revision: str | None = None
    turn_status: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    trimmed_messages: int | None = None
