"""`GET /api/models`: which models a person can choose, and whether they answer now."""

from fastapi import APIRouter

from auth.dependencies import SignedIn
from gateway.dependencies import Routes
from gateway.routing.schemas import ModelList, ModelOut

router = APIRouter(tags=["models"])


@router.get("/models")
async def list_models(_: SignedIn, routes: Routes) -> ModelList:
    """Every model, ready or not."""
    return ModelList(items=[ModelOut.of(route) for route in routes.routes()])
