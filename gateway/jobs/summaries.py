"""A summary of the part of a conversation that its model cannot read any more.

Each job takes the earlier summary and as many of the messages behind it as fit the model's window, and leaves
another job for the rest. So one request to the engine is one job and one entry in the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import EngineFailed
from core.postgres import Connection, Postgres
from gateway.conversations.summaries.repository import SummaryRepository
from gateway.conversations.summaries.tables import Passage, SummaryRow
from gateway.inference import Target
from gateway.jobs.completion import Completions
from gateway.jobs.repository import JobRepository
from gateway.jobs.tables import JobRow
from gateway.routing.table import RoutingTable

KIND: Final = "summary"
MOST_TOKENS: Final = 400
# A summary takes no more of the window than this, and leaves the rest to what is summarised.
WINDOW_SHARE: Final = 8
MOST_PASSAGES: Final = 200
# What is tried first; the engine's count then says whether it fits.
CHARACTERS_PER_TOKEN: Final = 3
SHRINKS: Final = 8


@dataclass(frozen=True, slots=True)
class _Work:
    """What one job has to do: the earlier summary, and the messages behind it, oldest first."""

    conversation_id: str
    leaf_id: str
    goal: int
    model: str
    earlier: SummaryRow | None
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked, its exact tokens, and how many of the passages are in it."""

    messages: Sequence[dict[str, str]]
    tokens: int
    answer: int
    covered: int


class SummaryJobs:
    """Asks for summaries, and keeps them."""

    def __init__(
        self,
        postgres: Postgres,
        jobs: JobRepository,
        completions: Completions,
        routes: RoutingTable,
        summaries: SummaryRepository,
    ) -> None:
        self._postgres = postgres
        self._jobs = jobs
        self._completions = completions
        self._routes = routes
        self._summaries = summaries

    async def run(self, job: JobRow) -> None:
        """Ask the conversation's model. Raises: what the engine raises; the job is then tried again later."""
        work = await self._work(job)
        if work is None or not work.passages:
            async with self._postgres.transaction() as connection:
                await self._jobs.finish(connection, job, result={"messages": 0}, error=None)
            return
        target = self._routes.resolve(work.model, str(job.payload["conversation_id"]))
        request = await self._fitting(job, target, work)
        text, tokens = await self._completions.ask(
            job, target, request.messages, max_tokens=request.answer, prompt_tokens=request.tokens
        )
        text = text.replace("\x00", "").strip()
        last = work.passages[request.covered - 1]
        async with self._postgres.transaction() as connection:
            # Asked again, it would say nothing again. It has worked for it all the same.
            error = None if text else "The model wrote an empty summary."
            result = {"messages": last.depth + 1, "message_id": last.id} if text else None
            if not await self._jobs.finish(connection, job, result=result, error=error):
                return
            if text:
                await self._keep(connection, job, work, last, text, target.model, tokens.completion)
            await self._completions.charge(connection, job, target, tokens)

    async def _keep(
        self,
        connection: Connection,
        job: JobRow,
        work: _Work,
        last: Passage,
        text: str,
        model: str,
        tokens: int,
    ) -> None:
        """The summary, and another job for what it does not cover yet."""
        await self._summaries.add(
            connection,
            message_id=last.id,
            conversation_id=work.conversation_id,
            messages=last.depth + 1,
            text=text,
            model=model,
            tokens=tokens,
        )
        if last.depth + 1 < work.goal:
            await request_summary(
                self._jobs,
                connection,
                user_id=job.user_id,
                conversation_id=work.conversation_id,
                message_id=work.leaf_id,
                messages=work.goal,
                key=f"{KIND}:{work.leaf_id}:{last.id}",
                traceparent=job.traceparent,
            )

    async def give_up(self, job: JobRow, reason: str) -> None:
        """The model goes on without a summary of this part."""
        async with self._postgres.transaction() as connection:
            if await self._jobs.finish(connection, job, result=None, error=reason):
                await self._completions.give_up(connection, job)

    async def _work(self, job: JobRow) -> _Work | None:
        """None when the conversation is gone."""
        conversation_id = str(job.payload["conversation_id"])
        leaf, goal = str(job.payload["message_id"]), int(job.payload["messages"])
        model: str | None = await self._postgres.fetchval(
            "SELECT model FROM conversations WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            conversation_id,
            job.user_id,
        )
        if model is None:
            return None
        earlier = await self._summaries.longest(leaf, goal)
        begin = earlier.messages if earlier is not None else 0
        passages = await self._summaries.passages(leaf, begin, goal, MOST_PASSAGES)
        return _Work(conversation_id, leaf, goal, model, earlier, passages)

    async def _fitting(self, job: JobRow, target: Target, work: _Work) -> _Request:
        """As many passages as the window holds, the first one in any case, shortened if it must be."""
        answer = max(16, min(MOST_TOKENS, target.max_output_tokens, target.context_window // WINDOW_SHARE))
        room = target.context_window - answer
        characters = room * CHARACTERS_PER_TOKEN
        for _ in range(SHRINKS):
            messages, covered = summary_prompt(work.earlier, work.passages, characters, words=answer // 2)
            tokens = await self._completions.count(job, target, messages)
            if tokens <= room:
                return _Request(messages, tokens, answer, covered)
            # By as much as it was too long, and a little more.
            characters = int(characters * room / tokens * 0.9)
        raise EngineFailed("This part of the conversation cannot be made short enough for the model.")


async def request_summary(
    jobs: JobRepository,
    connection: Connection,
    *,
    user_id: str,
    conversation_id: str,
    message_id: str,
    messages: int,
    key: str,
    traceparent: str,
    job_id: str | None = None,
) -> str | None:
    """Inside the caller's transaction: a job that summarises the first `messages` messages of the path to
    `message_id`. None while another one of the conversation is open, and for a key that was used before."""
    return await jobs.enqueue(
        connection,
        kind=KIND,
        user_id=user_id,
        idempotency_key=key,
        payload={"conversation_id": conversation_id, "message_id": message_id, "messages": messages},
        traceparent=traceparent,
        job_id=job_id,
    )


def summary_prompt(
    earlier: SummaryRow | None, passages: Sequence[Passage], characters: int, *, words: int
) -> tuple[list[dict[str, str]], int]:
    """What the model is asked, of about `characters` characters, and how many passages are in it."""
    said = f"The summary so far:\n{earlier.text[: characters // 2]}\n\n" if earlier is not None else ""
    left = characters - len(said)
    parts: list[str] = []
    for passage in passages:
        speaker = "Person" if passage.role == "user" else "Assistant"
        part = f"{speaker}: {shortened(passage.content, max(80, characters // 2))}"
        if parts and len(part) > left:
            break
        parts.append(part)
        left -= len(part)
    task = "Go on with the summary so far" if earlier is not None else "Write a summary"
    return [
        {
            "role": "system",
            "content": (
                "You summarise conversations so that they can go on. You keep names, figures, decisions and "
                "open questions. You answer with the summary and nothing else."
            ),
        },
        {
            "role": "user",
            "content": (
                f"{said}The next part of the conversation:\n\n"
                + "\n\n".join(parts)
                + f"\n\n{task}, in at most {words} words."
            ),
        },
    ], len(parts)


def shortened(content: str, most: int) -> str:
    """The beginning and the end of a text that is longer than `most` characters."""
    if len(content) <= most:
        return content
    end = most // 4
    return f"{content[: most - end]} [...] {content[len(content) - end :]}"
