"""Making, ending and opening share links."""

import hashlib
import re
from typing import Final

from core.errors import Invalid, NotFound, TurnRunning
from core.ids import new_secret
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.schemas import ShareOut
from gateway.conversations.service import ConversationService
from gateway.conversations.sharing.repository import ShareRepository
from gateway.conversations.sharing.schemas import SharedConversation, SharedMessage

# What one answer of the public endpoint may hold.
MOST_MESSAGES: Final = 2_000
MOST_BYTES: Final = 4 * 1024 * 1024

TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")

# Also of the refusals, so that they tell nothing apart.
HEADERS: Final = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


class SharingService:
    """Links are known by a token that is stored as its hash only."""

    def __init__(
        self, shares: ShareRepository, conversations: ConversationService, history: ConversationRepository
    ) -> None:
        self._shares = shares
        self._conversations = conversations
        self._history = history

    async def share(self, user_id: str, conversation_id: str) -> ShareOut:
        """A link to the visible path as it is now; a former link of the conversation is dead.

        Raises: core.errors.NotFound, TurnRunning, and Invalid when there is nothing or too much to show.
        """
        conversation = await self._conversations.require(user_id, conversation_id)
        if conversation.running_turn_id is not None:
            raise TurnRunning()
        if conversation.head_message_id is None:
            raise Invalid("There is nothing to share yet. Write a message first.")
        messages, size = await self._shares.size(conversation.head_message_id)
        if messages > MOST_MESSAGES or size > MOST_BYTES:
            raise Invalid(
                f"This conversation is too long for a link: it may have {MOST_MESSAGES:,} messages and "
                f"{MOST_BYTES:,} bytes of text. Export it instead."
            )
        token = new_secret(size=TOKEN_BYTES)
        share = await self._shares.replace(
            conversation_id,
            title=conversation.title,
            head_message_id=conversation.head_message_id,
            token_hash=_hash(token),
        )
        await self._conversations.tell_updated(user_id, conversation_id)
        return ShareOut(id=share.id, url=f"/shared/{token}", created_at=share.created_at)

    async def revoke(self, user_id: str, conversation_id: str) -> None:
        """The link is dead at once. Raises core.errors.NotFound when there is none."""
        await self._conversations.require(user_id, conversation_id)
        if not await self._shares.revoke(conversation_id):
            raise NotFound("This conversation is not shared.")
        await self._conversations.tell_updated(user_id, conversation_id)

    async def open(self, token: str) -> SharedConversation:
        """What the link shows. Raises core.errors.NotFound for a token that opens nothing."""
        share = await self._shares.find(_hash(token)) if _TOKEN.fullmatch(token) else None
        if share is None:
            raise NotFound("This link does not lead anywhere, or not any more.", headers=HEADERS)
        rows = await self._history.path(share.head_message_id, MOST_MESSAGES)
        return SharedConversation(
            title=share.title,
            created_at=share.created_at,
            messages=[
                SharedMessage(
                    role=row.role.value, content=row.content, model=row.model, created_at=row.created_at
                )
                for row in reversed(rows)
                # An answer that failed before its first word says nothing.
                if row.content
            ],
        )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
