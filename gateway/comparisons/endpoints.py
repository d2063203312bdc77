"""`/api/admin/comparisons`, and one revision's answer to a prompt."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, status
from starlette.requests import HTTPConnection
from starlette.responses import Response

from auth.dependencies import Operator
from gateway.comparisons.answer import RevisionAnswer
from gateway.comparisons.schemas import ComparisonList, NewComparison, Question
from gateway.dependencies import Comparisons
from gateway.openai_api.body import ChatHead
from gateway.openai_api.relay import CompletionRelay

router = APIRouter(prefix="/admin", tags=["admin"])

_ID = r"^[a-z0-9][a-z0-9._-]{0,62}$"


async def _chat_relay(connection: HTTPConnection) -> CompletionRelay[ChatHead]:
    found: CompletionRelay[ChatHead] = connection.app.state.house.chat_relay
    return found


ChatRelay = Annotated[CompletionRelay[ChatHead], Depends(_chat_relay)]


@router.post(
    "/models/{name}/{revision}/answers",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Chunks as `/v1` streams them."}},
)
async def ask_revision(
    body: Question,
    principal: Operator,
    relay: ChatRelay,
    name: Annotated[str, Path(pattern=_ID)],
    revision: Annotated[str, Path(pattern=_ID)],
) -> Response:
    """Ask one revision, with traffic or without. It is charged to whoever asks."""
    return RevisionAnswer(relay, principal, name, revision, body)


@router.post("/comparisons", status_code=status.HTTP_201_CREATED)
async def add_comparison(
    body: NewComparison, principal: Operator, comparisons: Comparisons
) -> ComparisonList:
    """Keep which of two answers is better; what all votes about this model come to."""
    await comparisons.add(principal.user_id, body)
    return ComparisonList(
        items=await comparisons.listed(body.name, 1), tallies=await comparisons.tallies(body.name)
    )


@router.get("/comparisons")
async def list_comparisons(
    _: Operator, comparisons: Comparisons, name: Annotated[str | None, Query(pattern=_ID)] = None
) -> ComparisonList:
    """Votes, newest first, and what all of them come to."""
    return ComparisonList(items=await comparisons.listed(name), tallies=await comparisons.tallies(name))
