"""`GET /api/models`: which models a person can choose, and whether they answer now."""

from fastapi import APIRouter

from auth.dependencies import SignedIn
from auth.principal import may_ask
from gateway.dependencies import Routes
from gateway.routing.schemas import ModelList, ModelOut

router = APIRouter(tags=["models"])


@router.get("/models")
async def list_models(principal: SignedIn, routes: Routes) -> ModelList:
    """Every model that this person may ask, ready or not."""
    return ModelList(
        items=[ModelOut.of(route) for route in routes.routes() if may_ask(principal, route.name)]
    )
