"""`/api/conversations/{id}/summary`."""

from typing import Annotated

from fastapi import APIRouter, Path

from auth.dependencies import SignedIn
from gateway.conversations.summaries.schemas import SummaryOut
from gateway.dependencies import Summaries

router = APIRouter(prefix="/conversations", tags=["conversations"])


@router.get("/{conversation_id}/summary")
async def get_summary(
    principal: SignedIn, summaries: Summaries, conversation_id: Annotated[str, Path(max_length=64)]
) -> SummaryOut:
    """What the model reads of the part of the visible path that does not fit its window any more."""
    return await summaries.newest(principal.user_id, conversation_id)
