"""What a person does with jobs. Another person's are not there."""

from datetime import datetime

from auth.principal import Principal, require_may_ask
from core.errors import Conflict, Invalid, NotFound
from core.ids import is_id, new_id
from core.postgres import Postgres
from core.telemetry import new_traceparent
from gateway.conversations.cursors import not_ours, read_cursor, write_cursor
from gateway.conversations.repository import ConversationRepository
from gateway.conversations.service import ConversationService
from gateway.idempotency.service import Idempotency, Once, fingerprint
from gateway.jobs.news import JobNews
from gateway.jobs.repository import JobRepository
from gateway.jobs.schemas import JobIn, JobOut, JobPage
from gateway.jobs.summaries import request_summary
from gateway.jobs.tables import JobStatusRow

JobOnce = Once[JobStatusRow, JobStatusRow]


class JobService:
    """Begin jobs, once for each Idempotency-Key, and look at them."""

    def __init__(
        self,
        postgres: Postgres,
        repository: JobRepository,
        conversations: ConversationService,
        history: ConversationRepository,
        idempotency: Idempotency,
        news: JobNews,
    ) -> None:
        self._postgres = postgres
        self._repository = repository
        self._conversations = conversations
        self._history = history
        self._idempotency = idempotency
        self._news = news

    async def begin(
        self, principal: Principal, wanted: JobIn, traceparent: str | None, key: str | None
    ) -> JobOnce:
        """A new job; without a key, every time.

        Raises: NotFound when the conversation is not this person's; ModelNotFound when its model is not for
        them; Invalid when there is nothing to do;
        Conflict while a job does it already; IdempotencyInFlight, IdempotencyMismatch.
        """

        async def make(job_id: str) -> JobStatusRow:
            return await self._summary(principal, wanted.conversation_id, job_id, traceparent)

        async def find(job_id: str) -> JobStatusRow | None:
            return await self._repository.get(principal.user_id, job_id)

        fresh = new_id("job")
        if key is None:
            return Once(made=await make(fresh))
        request = fingerprint("job", wanted.model_dump(mode="json"))
        return await self._idempotency.once(principal.user_id, key, request, fresh, make, find)

    async def get(self, user_id: str, job_id: str) -> JobOut:
        """Raises core.errors.NotFound when it is not this person's."""
        row = await self._repository.get(user_id, job_id)
        if row is None:
            raise NotFound("This job is not there.")
        return JobOut.of(row)

    async def page(self, user_id: str, limit: int, cursor: str | None) -> JobPage:
        """Newest first. Raises core.errors.Invalid for a cursor that we did not give."""
        rows = await self._repository.page(user_id, limit + 1, _read_cursor(cursor) if cursor else None)
        more = len(rows) > limit
        rows = rows[:limit]
        last = rows[-1] if more else None
        return JobPage(
            items=[JobOut.of(row) for row in rows],
            next_cursor=write_cursor(last.created_at.isoformat(), last.id) if last else None,
        )

    async def _summary(
        self, principal: Principal, conversation_id: str, job_id: str, traceparent: str | None
    ) -> JobStatusRow:
        user_id = principal.user_id
        conversation = await self._conversations.require(user_id, conversation_id)
        if conversation.model is not None:
            require_may_ask(principal, conversation.model)
        head = conversation.head_message_id
        answer = await self._history.in_conversation(conversation_id, head) if head else None
        if answer is None or answer.parent_id is None or not answer.trimmed_messages:
            raise Invalid(
                "The model still reads this whole conversation: there is nothing to summarise.",
                fields=[("conversation_id", "nothing was left out of its last prompt")],
            )
        async with self._postgres.transaction() as connection:
            made = await request_summary(
                self._repository,
                connection,
                user_id=user_id,
                conversation_id=conversation_id,
                message_id=answer.parent_id,
                messages=answer.trimmed_messages,
                key=f"asked:{job_id}",
                traceparent=new_traceparent(traceparent),
                job_id=job_id,
            )
            if made is None:
                raise Conflict("This conversation is being summarised already. Wait until it is done.")
        await self._news.tell(user_id, job_id)
        row = await self._repository.get(user_id, job_id)
        if row is None:
            raise NotFound("This job is not there.")
        return row


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    moment, job_id = read_cursor(cursor, 2)
    try:
        when = datetime.fromisoformat(moment)
    except ValueError as error:
        raise not_ours() from error
    if when.tzinfo is None or not is_id("job", job_id):
        raise not_ours()
    return when, job_id
