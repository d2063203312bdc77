"""Look through the audit log, and check it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from auth.audit.repository import Wanted
from auth.audit.schemas import AuditEventView, AuditPage, VerdictView
from auth.audit.tables import Outcome
from auth.dependencies import Admin, CurrentAuth, CurrentVisitor

router = APIRouter(prefix="/admin/audit", tags=["admin"])

Filter = Annotated[str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9_.:/@-]+$")]


@router.get("")
async def list_events(
    _: Admin,
    auth: CurrentAuth,
    actor: Filter = None,
    target: Filter = None,
    action: Filter = None,
    outcome: Outcome | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AuditPage:
    """Events that fit, newest first. `action` also finds what begins with it and a dot."""
    wanted = Wanted(actor, target, action, outcome, since, until)
    rows = await auth.audit.page(wanted, before=before, limit=limit + 1)
    more = len(rows) > limit
    items = [AuditEventView.of(row) for row in rows[:limit]]
    return AuditPage(items=items, next_before=items[-1].number if more else None)


@router.post("/verify")
async def verify(principal: Admin, auth: CurrentAuth, visitor: CurrentVisitor) -> VerdictView:
    """Read all of it, and say whether somebody has changed, cut or reordered it."""
    verdict = await auth.audit.verify()
    detail = {"fault": verdict.fault} if verdict.fault else {}
    await auth.audit.record("audit.verified", visitor, actor=principal.user_id, detail=detail)
    return VerdictView.of(verdict)
