"""`/api/admin`: for administrators only."""

from fastapi import APIRouter

from auth.dependencies import Admin
from gateway.admin.schemas import RevisionList, RevisionOut
from gateway.dependencies import Revisions

router = APIRouter(prefix="/admin", tags=["admin"])


@router.get("/models")
async def list_revisions(_: Admin, revisions: Revisions) -> RevisionList:
    """Every revision, what is wanted of it and what was last seen."""
    return RevisionList(items=[RevisionOut.of(row) for row in await revisions.all()])
