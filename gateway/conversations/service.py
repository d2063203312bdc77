"""What a person does with their history."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from core.errors import NotFound
from core.ids import is_id
from gateway.conversations.cursors import not_ours, read_cursor, write_cursor
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.schemas import (
    ConversationIn,
    ConversationOut,
    ConversationPage,
    ConversationPatch,
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

    async def page(
        self, user_id: str, limit: int, cursor: str | None, *, archived: bool = False
    ) -> ConversationPage:
        """Pinned ones first, then newest first; either those in the archive or the others.

        Raises core.errors.Invalid for a cursor that we did not give.
        """
        before = _read_cursor(cursor) if cursor else None
        rows = await self._repository.page(user_id, limit + 1, before, archived=archived)
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
            user_id,
            title=wanted.title,
            model=wanted.model,
            system_prompt=wanted.system_prompt,
            parameters=wanted.parameters.chosen() if wanted.parameters else {},
            summarise=wanted.summarise,
        )
        return await self._tell(user_id, conversation_id, "conversation.created")

    async def change(self, user_id: str, conversation_id: str, wanted: ConversationPatch) -> ConversationOut:
        """Set what `wanted` names; a title that a person gave is never replaced by a job's."""
        if not await self._repository.change(user_id, conversation_id, wanted.changes()):
            raise NotFound(_GONE)
        return await self._tell(user_id, conversation_id, "conversation.updated")

    async def show_branch(self, user_id: str, conversation_id: str, message_id: str) -> ConversationOut:
        """The visible path goes through this message, to the newest leaf below it.

        Raises core.errors.TurnRunning while an answer is being written.
        """
        if not await self._repository.show_branch(user_id, conversation_id, message_id):
            raise NotFound("This message is not there.")
        return await self._tell(user_id, conversation_id, "conversation.updated")

    async def delete(self, user_id: str, conversation_id: str) -> None:
        # Hidden first: no turn can begin between this and the stop of the one that runs.
        if not await self._repository.delete(user_id, conversation_id):
            raise NotFound(_GONE)
        for listener in self._after_delete:
            await listener(conversation_id)
        await self._events.publish(user_id, {"type": "conversation.deleted", "id": conversation_id})

    async def restore(self, user_id: str, conversation_id: str) -> ConversationOut:
        """Take a deletion back, as long as the conversation is kept."""
        if not await self._repository.restore(user_id, conversation_id):
            raise NotFound(_GONE)
        # To the tabs that removed it from their lists it is a new one.
        return await self._tell(user_id, conversation_id, "conversation.created")

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
        siblings = await self._repository.siblings(conversation_id, rows)
        items = [MessageOut.of(row, siblings.get(row.id)) for row in reversed(rows)]
        return MessagePage(
            items=items, next_cursor=items[0].id if items and items[0].parent_id is not None else None
        )

    async def rate(self, user_id: str, conversation_id: str, message_id: str, rating: str | None) -> None:
        """Note what the person thinks of an answer, or take it back. Raises core.errors.NotFound."""
        await self.require(user_id, conversation_id)
        if not await self._repository.rate(conversation_id, message_id, rating):
            raise NotFound("There is no such answer in this conversation.")
        await self._events.publish(
            user_id,
            {
                "type": "message.rated",
                "conversation_id": conversation_id,
                "message_id": message_id,
                "rating": rating,
            },
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
    return write_cursor("pinned" if row.pinned else "", row.updated_at.isoformat(), row.id)


def _read_cursor(cursor: str) -> tuple[bool, datetime, str]:
    pinned, moment, row_id = read_cursor(cursor, 3)
    try:
        when = datetime.fromisoformat(moment)
    except ValueError as error:
        raise not_ours() from error
    if pinned not in ("", "pinned") or when.tzinfo is None or not is_id("cnv", row_id):
        raise not_ours()
    return pinned == "pinned", when, row_id
