"""One short answer of a model to a job, and what it cost."""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from core.errors import EngineFailed
from core.ids import new_id
from core.postgres import Connection
from gateway.inference import Claim, Inference, Priority, Target
from gateway.inference.claim import ranked
from gateway.jobs.tables import JobRow
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Entry, Kind, Outcome, Tokens

MAX_ANSWER_BYTES: Final = 256 * 1024


async def complete(
    inference: Inference,
    target: Target,
    job: JobRow,
    messages: Sequence[Mapping[str, str]],
    *,
    max_tokens: int,
) -> tuple[str, Tokens]:
    """The model's words, as likely as they can be.

    Raises: what `Inference.send` raises; core.errors.EngineFailed for an answer that is none.
    """
    body = orjson.dumps(
        {
            "model": target.model,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": False,
        }
    )
    response = await inference.send(
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


async def charge(
    ledger: LedgerRepository, connection: Connection, job: JobRow, target: Target, tokens: Tokens
) -> None:
    """Book what `complete` cost, inside the caller's transaction: an answer that is kept is charged once."""
    await ledger.charge(
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
