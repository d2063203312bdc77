"""Share links: made and ended by their owner, opened by everybody."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from auth.dependencies import ClientAddress, CurrentAuth, SignedIn
from gateway.conversations.schemas import ShareOut
from gateway.conversations.sharing.schemas import SharedConversation
from gateway.conversations.sharing.service import HEADERS
from gateway.dependencies import Sharing

router = APIRouter(tags=["sharing"])

ConversationId = Annotated[str, Path(max_length=64)]


async def _within_limit(auth: CurrentAuth, address: ClientAddress) -> None:
    """Everybody may look, but nobody may try without end."""
    await auth.request_limits.take(address, "shared")


@router.post("/conversations/{conversation_id}/share", status_code=201)
async def share_conversation(
    principal: SignedIn, sharing: Sharing, conversation_id: ConversationId
) -> ShareOut:
    """A link to the conversation as it is now. Its address is shown this once; a former link is dead."""
    return await sharing.share(principal.user_id, conversation_id)


@router.delete("/conversations/{conversation_id}/share", status_code=204)
async def revoke_share(principal: SignedIn, sharing: Sharing, conversation_id: ConversationId) -> None:
    """The link is dead at once."""
    await sharing.revoke(principal.user_id, conversation_id)


@router.get("/shared/{token}", dependencies=[Depends(_within_limit)])
async def open_share(
    sharing: Sharing, response: Response, token: Annotated[str, Path(max_length=64)]
) -> SharedConversation:
    """What a link shows; no sign-in."""
    response.headers.update(HEADERS)
    return await sharing.open(token)
