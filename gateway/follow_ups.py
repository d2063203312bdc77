"""What follows from a settled turn: here chat and jobs meet, which do not know each other."""

from core.postgres import Connection
from gateway.chat.tables import TurnEnd, TurnStart
from gateway.jobs.repository import JobRepository
from gateway.jobs.titles import request_title


class TurnFollowUps:
    """Implements `gateway.chat.hooks.AfterTurn`."""

    def __init__(self, jobs: JobRepository) -> None:
        self._jobs = jobs

    async def turn_settled(self, connection: Connection, turn: TurnStart, end: TurnEnd) -> None:
        """A conversation whose first answer is there gets a title."""
        if end.text:
            await request_title(
                self._jobs,
                connection,
                user_id=turn.user_id,
                conversation_id=turn.conversation_id,
                turn_id=turn.id,
                traceparent=turn.traceparent,
            )
