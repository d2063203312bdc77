"""`/api/conversations`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from auth.dependencies import SignedIn
from gateway.conversations.schemas import (
    ConversationIn,
    ConversationOut,
    ConversationPage,
    ConversationPatch,
    MessagePage,
)
from gateway.dependencies import Conversations

router = APIRouter(prefix="/conversations", tags=["conversations"])

ConversationId = Annotated[str, Path(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("")
async def list_conversations(
    principal: SignedIn,
    conversations: Conversations,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> ConversationPage:
    """The person's conversations, newest first."""
    return await conversations.page(principal.user_id, limit, cursor)


@router.post("", status_code=201)
async def create_conversation(
    principal: SignedIn, conversations: Conversations, wanted: ConversationIn
) -> ConversationOut:
    """An empty conversation."""
    return await conversations.create(principal.user_id, wanted)


@router.get("/{conversation_id}")
async def get_conversation(
    principal: SignedIn, conversations: Conversations, conversation_id: ConversationId
) -> ConversationOut:
    """One conversation."""
    return await conversations.get(principal.user_id, conversation_id)


@router.patch("/{conversation_id}")
async def rename_conversation(
    principal: SignedIn,
    conversations: Conversations,
    conversation_id: ConversationId,
    wanted: ConversationPatch,
) -> ConversationOut:
    """Another title, which no job will replace."""
    return await conversations.rename(principal.user_id, conversation_id, wanted.title)


@router.delete("/{conversation_id}", status_code=204)
async def delete_conversation(
    principal: SignedIn, conversations: Conversations, conversation_id: ConversationId
) -> None:
    """It is gone from the list and from every address."""
    await conversations.delete(principal.user_id, conversation_id)


@router.get("/{conversation_id}/messages")
async def list_messages(
    principal: SignedIn,
    conversations: Conversations,
    conversation_id: ConversationId,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> MessagePage:
    """The visible messages, oldest first; `before` a cursor asks for the ones above it."""
    return await conversations.messages(principal.user_id, conversation_id, limit, before)
