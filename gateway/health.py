"""`/healthz`: this process lives. `/readyz`: it can do its work, and if not, because of what."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from gateway.dependencies import Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(readiness: Readiness) -> JSONResponse:
    """503 names the dependency that fails. A model that is not ready is named too, and does not count: the
    page works without it."""
    well, report = await readiness.look()
    return JSONResponse(report, status_code=200 if well else 503, headers={"cache-control": "no-store"})
