"""What follows from a settled turn: here chat meets jobs and search, which do not know each other."""

from core.postgres import Connection
from gateway.chat.tables import TurnEnd, TurnStart
from gateway.conversations.search.repository import SearchRepository
from gateway.jobs.repository import JobRepository
from gateway.jobs.titles import request_title


class TurnFollowUps:
    """Implements `gateway.chat.hooks.AfterTurn`."""

    def __init__(self, jobs: JobRepository, search: SearchRepository) -> None:
        self._jobs = jobs
        self._search = search

    async def turn_settled(self, connection: Connection, turn: TurnStart, end: TurnEnd) -> None:
        """Question and answer can be found; a conversation whose first answer is there gets a title."""
        await self._search.add_messages(connection, [turn.user_message_id, turn.answer_id])
        if end.text:
            await request_title(
                self._jobs,
                connection,
                user_id=turn.user_id,
                conversation_id=turn.conversation_id,
                turn_id=turn.id,
                traceparent=turn.traceparent,
            )
