"""`/api/conversations`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from auth.dependencies import SignedIn
from gateway.conversations.schemas import (
    ConversationIn,
    ConversationOut,
    ConversationPage,
    ConversationPatch,
    HeadIn,
    MessagePage,
    RatingIn,
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
    archived: bool = False,
) -> ConversationPage:
    """The person's conversations: pinned ones first, then newest first. Those in the archive are apart."""
    return await conversations.page(principal.user_id, limit, cursor, archived=archived)


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
async def change_conversation(
    principal: SignedIn,
    conversations: Conversations,
    conversation_id: ConversationId,
    wanted: ConversationPatch,
) -> ConversationOut:
    """Another title, which no job will replace; pinned, archived, system prompt, model, parameters."""
    return await conversations.change(principal.user_id, conversation_id, wanted)


@router.delete("/{conversation_id}", status_code=204)
async def delete_conversation(
    principal: SignedIn, conversations: Conversations, conversation_id: ConversationId
) -> None:
    """It is gone from the list and from every address; for 30 days it can be brought back."""
    await conversations.delete(principal.user_id, conversation_id)


@router.post("/{conversation_id}/restore")
async def restore_conversation(
    principal: SignedIn, conversations: Conversations, conversation_id: ConversationId
) -> ConversationOut:
    """Take the deletion back."""
    return await conversations.restore(principal.user_id, conversation_id)


@router.post("/{conversation_id}/head")
async def show_branch(
    principal: SignedIn, conversations: Conversations, conversation_id: ConversationId, wanted: HeadIn
) -> ConversationOut:
    """Show the branch through a message, to its newest end."""
    return await conversations.show_branch(principal.user_id, conversation_id, wanted.message_id)


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


@router.patch("/{conversation_id}/messages/{message_id}", status_code=204)
async def rate_answer(
    principal: SignedIn,
    conversations: Conversations,
    conversation_id: ConversationId,
    message_id: Annotated[str, Path(max_length=64)],
    wanted: RatingIn,
) -> None:
    """Thumbs up or down for an answer, or neither."""
    await conversations.rate(principal.user_id, conversation_id, message_id, wanted.rating)
