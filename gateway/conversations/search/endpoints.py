"""`/api/search`."""

from typing import Annotated

from fastapi import APIRouter, Query

from auth.dependencies import SignedIn
from gateway.conversations.search.schemas import SearchPage
from gateway.dependencies import Search

router = APIRouter(prefix="/search", tags=["conversations"])


@router.get("")
async def search(
    principal: SignedIn,
    search: Search,
    q: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> SearchPage:
    """Titles and messages of the person's own conversations, best first."""
    return await search.search(principal.user_id, q, limit, cursor)
