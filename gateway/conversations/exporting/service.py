"""Writes a conversation piece by piece; no database connection is held while a client reads slowly."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

from core.errors import NotFound
from gateway.conversations.exporting.filename import attachment
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.schemas import ConversationOut, MessageOut
from gateway.conversations.service import ConversationService
from gateway.conversations.tables import ConversationRow, MessageRow, MessageStatus, Role

BATCH: Final = 50
# Of one visible path; a longer one is cut, and says so.
MOST_MESSAGES: Final = 100_000


class ExportFormat(StrEnum):
    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Export:
    """A file: its type, its Content-Disposition, and its bytes."""

    media_type: str
    disposition: str
    content: AsyncIterator[bytes]


class ExportService:
    """Exports of one person's conversations."""

    def __init__(self, conversations: ConversationService, history: ConversationRepository) -> None:
        self._conversations = conversations
        self._history = history

    async def export(self, user_id: str, conversation_id: str, form: ExportFormat) -> Export:
        """The visible path as Markdown, or the whole tree with all figures as JSON.

        Raises core.errors.NotFound before the first byte when it is not this person's.
        """
        conversation = await self._conversations.require(user_id, conversation_id)
        if form is ExportFormat.JSON:
            return Export(
                "application/json", attachment(conversation.title, "json"), self._json(conversation)
            )
        return Export(
            "text/markdown; charset=utf-8",
            attachment(conversation.title, "md"),
            self._markdown(conversation),
        )

    async def document(self, user_id: str, conversation_id: str) -> AsyncIterator[bytes]:
        """The whole tree as JSON; nothing but null where it was deleted meanwhile."""
        try:
            conversation = await self._conversations.require(user_id, conversation_id)
        except NotFound:
            yield b"null"
            return
        async for piece in self._json(conversation):
            yield piece

    async def _json(self, conversation: ConversationRow) -> AsyncIterator[bytes]:
        """`{"conversation": ..., "head_message_id": ..., "messages": [...]}`, parents before children."""
        about = orjson.dumps(ConversationOut.of(conversation).model_dump(mode="json"))
        head = orjson.dumps(conversation.head_message_id)
        yield b'{"conversation":' + about + b',"head_message_id":' + head + b',"messages":['
        after: tuple[int, str] | None = None
        separator = b"\n"
        while rows := await self._history.tree(conversation.id, after, BATCH):
            siblings = await self._history.siblings(conversation.id, rows)
            for row in rows:
                message = MessageOut.of(row, siblings.get(row.id)).model_dump(mode="json")
                yield separator + orjson.dumps(message)
                separator = b",\n"
            after = rows[-1].depth, rows[-1].id
        yield b"\n]}\n"

    async def _markdown(self, conversation: ConversationRow) -> AsyncIterator[bytes]:
        title = " ".join((conversation.title or "Untitled conversation").split())
        yield f"# {title}\n\n{conversation.created_at:%Y-%m-%d %H:%M} UTC\n".encode()
        if conversation.system_prompt:
            yield f"\n## System prompt\n\n{conversation.system_prompt}\n".encode()
        head = conversation.head_message_id
        ids = await self._history.path_ids(head, MOST_MESSAGES) if head else []
        for start in range(0, len(ids), BATCH):
            for row in await self._history.some(ids[start : start + BATCH]):
                yield _section(row).encode()
        if len(ids) == MOST_MESSAGES:
            yield f"\n*Only the first {MOST_MESSAGES:,} messages are in this file.*\n".encode()


def _section(row: MessageRow) -> str:
    who = "You" if row.role is Role.USER else (row.model or "Answer")
    ending = {MessageStatus.STOPPED: "\n*Stopped.*\n", MessageStatus.FAILED: "\n*Not finished.*\n"}
    return f"\n## {who}\n\n{row.content}\n{ending.get(row.status, '')}"
