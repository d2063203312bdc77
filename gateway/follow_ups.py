"""What follows from a settled turn: here chat meets jobs and search, which do not know each other."""

from core.postgres import Connection
from gateway.chat.tables import TurnEnd, TurnStart
from gateway.conversations.search.repository import SearchRepository
from gateway.conversations.summaries.repository import SummaryRepository
from gateway.jobs.repository import JobRepository
from gateway.jobs.summaries import KIND as SUMMARY
from gateway.jobs.summaries import request_summary
from gateway.jobs.titles import request_title


class TurnFollowUps:
    """Implements `gateway.chat.hooks.AfterTurn`."""

    def __init__(self, jobs: JobRepository, search: SearchRepository, summaries: SummaryRepository) -> None:
        self._jobs = jobs
        self._search = search
        self._summaries = summaries

    async def turn_settled(self, connection: Connection, turn: TurnStart, end: TurnEnd) -> None:
        """Question and answer can be found; a conversation whose first answer is there gets a title; what its
        model could not read is summarised for the next time."""
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
        if turn.trimmed_messages > turn.summarised_messages and await self._summaries.wanted(
            connection, turn.conversation_id
        ):
            await request_summary(
                self._jobs,
                connection,
                user_id=turn.user_id,
                conversation_id=turn.conversation_id,
                message_id=turn.user_message_id,
                messages=turn.trimmed_messages,
                key=f"{SUMMARY}:{turn.id}",
                traceparent=turn.traceparent,
            )
