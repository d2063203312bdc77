"""A title of at most six words for a conversation, written by its model after the first answer."""

import re
from dataclasses import dataclass
from typing import Final

from core.postgres import Connection, Postgres
from gateway.conversations.search.repository import SearchRepository
from gateway.conversations.service import ConversationService
from gateway.jobs.completion import Completions
from gateway.jobs.repository import JobRepository
from gateway.jobs.tables import JobRow
from gateway.routing.table import RoutingTable

KIND: Final = "title"
MOST_WORDS: Final = 6
MOST_CHARACTERS: Final = 80
# Enough to tell what a conversation is about; small models lose the thread in more.
EXCERPT_CHARACTERS: Final = 600
MOST_TOKENS: Final = 24

# Quotation marks and dashes of several languages, by code point.
_EDGES: Final = " \t\"'`*#_.,:;!?-\u2013\u2014\u2018\u2019\u201c\u201d\u00ab\u00bb"
_LABEL: Final = re.compile(r"^\s*(?:title|titel|topic|subject)\s*[:\-\u2013]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Opening:
    """The first exchange of a conversation that has no title yet."""

    question: str
    answer: str
    model: str


class TitleJobs:
    """Asks for titles, and writes them."""

    def __init__(
        self,
        postgres: Postgres,
        jobs: JobRepository,
        completions: Completions,
        routes: RoutingTable,
        conversations: ConversationService,
        search: SearchRepository,
    ) -> None:
        self._postgres = postgres
        self._jobs = jobs
        self._completions = completions
        self._routes = routes
        self._conversations = conversations
        self._search = search

    async def run(self, job: JobRow) -> None:
        """Ask the model that answered, and write what it says unless there is a title by now.

        Raises: what the engine raises; the job is then tried again later.
        """
        opening = await self._opening(job)
        if opening is None:
            async with self._postgres.transaction() as connection:
                await self._jobs.finish(connection, job, result={"title": None}, error=None)
            return
        target = self._routes.resolve(opening.model, str(job.payload["conversation_id"]))
        written, tokens = await self._completions.ask(
            job, target, title_prompt(opening.question, opening.answer), max_tokens=MOST_TOKENS
        )
        title = clean_title(written) or first_words(opening.question)
        async with self._postgres.transaction() as connection:
            if not await self._jobs.finish(connection, job, result={"title": title}, error=None):
                return
            await self._store(connection, job, title)
            await self._completions.charge(connection, job, target, tokens)
        await self._conversations.tell_updated(job.user_id, str(job.payload["conversation_id"]))

    async def give_up(self, job: JobRow, reason: str) -> None:
        """The person's own first words serve as the title."""
        opening = await self._opening(job)
        async with self._postgres.transaction() as connection:
            if not await self._jobs.finish(connection, job, result=None, error=reason):
                return
            if opening is not None:
                await self._store(connection, job, first_words(opening.question))
            await self._completions.give_up(connection, job)
        await self._conversations.tell_updated(job.user_id, str(job.payload["conversation_id"]))

    async def _opening(self, job: JobRow) -> Opening | None:
        row = await self._postgres.fetchrow(
            "SELECT q.content AS question, a.content AS answer, t.model FROM turns t "
            "JOIN conversations c ON c.id = t.conversation_id "
            "JOIN messages q ON q.id = t.user_message_id JOIN messages a ON a.id = t.answer_message_id "
            "WHERE t.id = $1 AND c.title IS NULL AND c.deleted_at IS NULL",
            job.payload["turn_id"],
        )
        return Opening(**dict(row)) if row else None

    async def _store(self, connection: Connection, job: JobRow, title: str) -> None:
        """A title that a person gave in the meantime stays."""
        conversation_id = str(job.payload["conversation_id"])
        await connection.execute(
            "UPDATE conversations SET title = $2, title_source = 'model' WHERE id = $1 AND title IS NULL",
            conversation_id,
            title,
        )
        await self._search.add_title(connection, conversation_id)


async def request_title(
    jobs: JobRepository,
    connection: Connection,
    *,
    user_id: str,
    conversation_id: str,
    turn_id: str,
    traceparent: str,
) -> None:
    """Inside the caller's transaction: one title job for a conversation that has no title."""
    untitled = await connection.fetchval(
        "SELECT title IS NULL FROM conversations WHERE id = $1", conversation_id
    )
    if untitled:
        await jobs.enqueue(
            connection,
            kind=KIND,
            user_id=user_id,
            idempotency_key=f"{KIND}:{conversation_id}",
            payload={"conversation_id": conversation_id, "turn_id": turn_id},
            traceparent=traceparent,
        )


def title_prompt(question: str, answer: str) -> list[dict[str, str]]:
    """What the model is asked."""
    return [
        {"role": "system", "content": "You name conversations. You answer with the title and nothing else."},
        {
            "role": "user",
            "content": (
                f"Write a title of at most {MOST_WORDS} words for this conversation. "
                "No quotes, no full stop.\n\n"
                f"Question: {question[:EXCERPT_CHARACTERS]}\n\nAnswer: {answer[:EXCERPT_CHARACTERS]}"
            ),
        },
    ]


def clean_title(written: str) -> str:
    """The first line of what a model wrote, without labels and quotes, cut to the bounds; may be empty."""
    for line in written.splitlines():
        text = _LABEL.sub("", line.strip(_EDGES)).strip(_EDGES)
        if text:
            return _bounded(text)
    return ""


def first_words(question: str) -> str:
    """A title made of the person's own words."""
    return _bounded(" ".join(question.split())) or "New chat"


def _bounded(text: str) -> str:
    words = text.replace("\x00", "").split()
    short = " ".join(words[:MOST_WORDS])
    return short[:MOST_CHARACTERS].rstrip(_EDGES)
