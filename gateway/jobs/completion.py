"""One short answer of a model to a job: what it may cost is held before, what it cost is charged once."""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from core.errors import EngineFailed
from core.ids import new_id
from core.postgres import Connection, Postgres
from gateway.inference import Claim, Inference, Priority, Target
from gateway.inference.claim import ranked
from gateway.inference.tokens import count_prompt_tokens
from gateway.jobs.tables import JobRow
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Kind, Outcome, Tokens

MAX_ANSWER_BYTES: Final = 256 * 1024


class Completions:
    """Asks models for jobs. A job has one entry in the ledger, from its first attempt on: what an engine did
    for an attempt that failed is found there too."""

    def __init__(self, postgres: Postgres, ledger: LedgerRepository, inference: Inference) -> None:
        self._postgres = postgres
        self._ledger = ledger
        self._inference = inference

    async def count(self, job: JobRow, target: Target, messages: Sequence[Mapping[str, str]]) -> int:
        """The prompt's tokens. Raises: what `count_prompt_tokens` raises."""
        return await count_prompt_tokens(
            self._inference, target, messages, request_id=job.id, traceparent=job.traceparent
        )

    async def ask(
        self,
        job: JobRow,
        target: Target,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        prompt_tokens: int | None = None,
    ) -> tuple[str, Tokens]:
        """The model's words, as likely as they can be, for `charge`.

        Args:
            prompt_tokens: where the caller has counted already.

        Raises: core.errors.BudgetExhausted before anything is asked; what `Inference.send` raises;
            core.errors.EngineFailed for an answer that is none.
        """
        if prompt_tokens is None:
            prompt_tokens = await self.count(job, target, messages)
        await self._hold(job, target, prompt_tokens + max_tokens)
        body = orjson.dumps(
            {
                "model": target.model,
                "messages": list(messages),
                "max_tokens": max_tokens,
                "temperature": 0,
                "stream": False,
            }
        )
        response = await self._inference.send(
            target,
            "/v1/chat/completions",
            ranked(body, target.engine, Priority.JOB),
            request_id=job.id,
            traceparent=job.traceparent,
            claim=Claim.of(Priority.JOB, body, max_tokens),
        )
        try:
            said = await response.read(MAX_ANSWER_BYTES)
        finally:
            await response.close()
        if response.status != 200:
            raise EngineFailed(f"The model answered {response.status} to a {job.kind} job.")
        try:
            answer = orjson.loads(said)
            text = str(answer["choices"][0]["message"]["content"] or "")
            usage = answer["usage"]
            return text, Tokens(int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise EngineFailed("The model's answer cannot be read.") from error

    async def charge(self, connection: Connection, job: JobRow, target: Target, tokens: Tokens) -> None:
        """Book what `ask` cost, inside the caller's transaction: an answer that is kept is charged once."""
        await self._ledger.charge(
            connection,
            Entry(
                id=new_id("led"),
                user_id=job.user_id,
                key_id=None,
                kind=Kind.JOB,
                reference=job.id,
                model=target.model,
                revision=target.revision,
                outcome=Outcome.COMPLETED,
                tokens=tokens,
            ),
        )

    async def give_up(self, connection: Connection, job: JobRow) -> None:
        """Give back what is held, inside the caller's transaction: the job has failed for good."""
        await self._ledger.give_back(connection, Kind.JOB, job.id)

    async def _hold(self, job: JobRow, target: Target, tokens: int) -> None:
        async with self._postgres.transaction() as connection:
            await self._ledger.reserve(
                connection,
                user_id=job.user_id,
                kind=Kind.JOB,
                reference=job.id,
                model=target.model,
                revision=target.revision,
                tokens=tokens,
                expires=True,
            )
        # An earlier attempt may have held it for a while already.
        await self._ledger.renew(Kind.JOB, [job.id])
