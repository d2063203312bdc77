"""`/api/account/export`."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from auth.dependencies import CurrentAuth, CurrentVisitor, SignedIn
from gateway.dependencies import AccountExports

router = APIRouter(prefix="/account", tags=["account"])

_FILE = {"content": {"application/json": {}}, "description": "The file."}


@router.get("/export", response_class=StreamingResponse, responses={200: _FILE})
async def export_account(
    principal: SignedIn, exports: AccountExports, auth: CurrentAuth, visitor: CurrentVisitor
) -> StreamingResponse:
    """Everything that is kept of the person, as one JSON document."""
    await auth.audit.record("account.exported", visitor, actor=principal.user_id, target=principal.user_id)
    return StreamingResponse(
        exports.document(principal),
        media_type="application/json",
        headers={
            "Content-Disposition": 'attachment; filename="headrace-account.json"',
            "Cache-Control": "no-store",
        },
    )
