"""What a person sees of summaries."""

from core.errors import NotFound
from gateway.conversations.service import ConversationService
from gateway.conversations.summaries.repository import SummaryRepository
from gateway.conversations.summaries.schemas import SummaryOut


class SummaryService:
    """Summaries are made by jobs (gateway.jobs.summaries) and read here and by gateway.chat."""

    def __init__(self, repository: SummaryRepository, conversations: ConversationService) -> None:
        self._repository = repository
        self._conversations = conversations

    async def newest(self, user_id: str, conversation_id: str) -> SummaryOut:
        """The one that covers the most of the visible path. Raises core.errors.NotFound: there is none."""
        conversation = await self._conversations.require(user_id, conversation_id)
        head = conversation.head_message_id
        row = await self._repository.longest(head, 2**31 - 1) if head is not None else None
        if row is None:
            raise NotFound("Nothing of this conversation has been summarised yet.")
        return SummaryOut.of(row)
