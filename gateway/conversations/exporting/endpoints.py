"""`/api/conversations/{id}/export`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from auth.dependencies import SignedIn
from gateway.conversations.exporting.service import ExportFormat
from gateway.dependencies import Exports

router = APIRouter(prefix="/conversations", tags=["conversations"])

_FILE = {"content": {"text/markdown": {}, "application/json": {}}, "description": "The file."}


@router.get("/{conversation_id}/export", response_class=StreamingResponse, responses={200: _FILE})
async def export_conversation(
    principal: SignedIn,
    exports: Exports,
    conversation_id: Annotated[str, Path(max_length=64)],
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.MARKDOWN,
) -> StreamingResponse:
    """The conversation as a file: what is visible as Markdown, or everything as JSON."""
    export = await exports.export(principal.user_id, conversation_id, form)
    return StreamingResponse(
        export.content,
        media_type=export.media_type,
        headers={"Content-Disposition": export.disposition, "Cache-Control": "no-store"},
    )
