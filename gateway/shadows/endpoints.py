"""`/api/admin/models/{name}/shadow`: what came of the copies."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.requests import HTTPConnection

from auth.dependencies import Operator
from gateway.shadows.repository import ShadowRepository
from gateway.shadows.schemas import ShadowReport

router = APIRouter(prefix="/admin", tags=["admin"])


async def _shadows(connection: HTTPConnection) -> ShadowRepository:
    found: ShadowRepository = connection.app.state.house.shadows
    return found


ShadowAnswers = Annotated[ShadowRepository, Depends(_shadows)]


@router.get("/models/{name}/shadow")
async def read_shadow(
    _: Operator,
    shadows: ShadowAnswers,
    name: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")],
) -> ShadowReport:
    """What the shadows of this name answered in the last week, beside what people were answered."""
    return ShadowReport(tallies=await shadows.tallies(name), items=await shadows.listed(name))
