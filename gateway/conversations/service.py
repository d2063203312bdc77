"""What a person does with their history."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime

from core.errors import Invalid, NotFound
from core.ids import is_id
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.schemas import (
    ConversationIn,
    ConversationOut,
    ConversationPage,
    MessageOut,
    MessagePage,
)
from gateway.conversations.tables import ConversationRow
from gateway.events.bus import EventBus

_GONE = "This conversation is not there, or it was deleted."


class ConversationService:
    """Every change is told to the person's other tabs."""

    def __init__(self, repository: ConversationRepository, events: EventBus) -> None:
        self._repository = repository
        self._events = events
        self._after_delete: list[Callable[[str], Awaitable[None]]] = []

    def after_delete(self, listener: Callable[[str], Awaitable[None]]) -> None:
        """Call `listener` with the id of every conversation that was deleted."""
        self._after_delete.append(listener)

    async def page(self, user_id: str, limit: int, cursor: str | None) -> ConversationPage:
        """Newest first. Raises core.errors.Invalid for a cursor that we did not give."""
        rows = await self._repository.page(user_id, limit + 1, _read_cursor(cursor) if cursor else None)
        more = len(rows) > limit
        rows = rows[:limit]
        return ConversationPage(
            items=[ConversationOut.of(row) for row in rows],
            next_cursor=_write_cursor(rows[-1]) if more else None,
        )

    async def require(self, user_id: str, conversation_id: str) -> ConversationRow:
        """Raises core.errors.NotFound when it is not this person's."""
        row = await self._repository.get(user_id, conversation_id)
        if row is None:
            raise NotFound(_GONE)
        return row

    async def get(self, user_id: str, conversation_id: str) -> ConversationOut:
        return ConversationOut.of(await self.require(user_id, conversation_id))

    async def create(self, user_id: str, wanted: ConversationIn) -> ConversationOut:
        conversation_id = await self._repository.create(
            user_id, title=wanted.title, model=wanted.model, system_prompt=wanted.system_prompt
        )
        return await self._tell(user_id, conversation_id, "conversation.created")

    async def rename(self, user_id: str, conversation_id: str, title: str) -> ConversationOut:
        if not await self._repository.rename(user_id, conversation_id, title):
            raise NotFound(_GONE)
        return await self._tell(user_id, conversation_id, "conversation.updated")

    async def delete(self, user_id: str, conversation_id: str) -> None:
        # Hidden first: no turn can begin between this and the stop of the one that runs.
        if not await self._repository.delete(user_id, conversation_id):
            raise NotFound(_GONE)
        for listener in self._after_delete:
            await listener(conversation_id)
        await self._events.publish(user_id, {"type": "conversation.deleted", "id": conversation_id})

    async def tell_updated(self, user_id: str, conversation_id: str) -> None:
        """Tell the person's tabs how the conversation looks now."""
        row = await self._repository.get(user_id, conversation_id)
        if row is not None:
            await self._publish(user_id, "conversation.updated", ConversationOut.of(row))

    async def messages(
        self, user_id: str, conversation_id: str, limit: int, before: str | None
    ) -> MessagePage:
        """The visible path, oldest first: its last `limit` messages, or those above the message `before`."""
        conversation = await self.require(user_id, conversation_id)
        start = conversation.head_message_id
        if before is not None:
            start = await self._repository.parent_in(conversation_id, before)
        rows = await self._repository.path(start, limit) if start else []
        items = [MessageOut.of(row) for row in reversed(rows)]
        return MessagePage(
            items=items, next_cursor=items[0].id if items and items[0].parent_id is not None else None
        )

    async def _tell(self, user_id: str, conversation_id: str, kind: str) -> ConversationOut:
        conversation = await self.get(user_id, conversation_id)
        await self._publish(user_id, kind, conversation)
        return conversation

    async def _publish(self, user_id: str, kind: str, conversation: ConversationOut) -> None:
        await self._events.publish(
            user_id, {"type": kind, "conversation": conversation.model_dump(mode="json")}
        )


def _write_cursor(row: ConversationRow) -> str:
    return base64.urlsafe_b64encode(f"{row.updated_at.isoformat()}|{row.id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, row_id = text.partition("|")
        when = datetime.fromisoformat(moment)
        if when.tzinfo is None or not is_id("cnv", row_id):
            raise ValueError("not a moment and a conversation")
        return when, row_id
    except (ValueError, binascii.Error) as error:
        raise Invalid(
            "This cursor is not one of ours. Start again without it.", fields=[("cursor", "not valid")]
        ) from error
