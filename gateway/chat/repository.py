"""The only queries of turns, and the writing ones of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import NotFound, TurnRunning
from core.postgres import Connection, Postgres, Record, UniqueViolation
from gateway.chat.hooks import AfterTurn
from gateway.chat.tables import TurnEnd, TurnRow, TurnStart, TurnStatus
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Kind, Outcome, Tokens

LEASE_SECONDS = 10.0

_TURN = """
SELECT t.*, m.content FROM turns t JOIN messages m ON m.id = t.answer_message_id
"""

_MESSAGE_STATUS = {
    TurnStatus.COMPLETED: "complete",
    TurnStatus.STOPPED: "stopped",
    TurnStatus.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a running turn has come."""

    turn_id: str
    answer_id: str
    text: str
    delta_ends: Sequence[int]


class TurnRepository:
    """Turns from their beginning to their one end."""

    def __init__(self, postgres: Postgres, ledger: LedgerRepository, after: AfterTurn) -> None:
        self._postgres = postgres
        self._ledger = ledger
        self._after = after

    async def begin(
        self, turn: TurnStart, *, parent_id: str | None, content: str | None, runner: str, tokens: int
    ) -> None:
        """One transaction: the person's message (unless `content` is None: then it is there already), the
        empty answer, the turn, and the reservation of `tokens` in the ledger.

        Raises: core.errors.TurnRunning when another turn of the conversation is; NotFound when the
        conversation went away in the meantime; BudgetExhausted when `tokens` are more than a budget has left.
        """
        try:
            async with self._postgres.transaction() as connection:
                if content is not None:
                    await _insert_message(
                        connection, turn, turn.user_message_id, parent_id, "user", content, "complete"
                    )
                await _insert_message(
                    connection, turn, turn.answer_id, turn.user_message_id, "assistant", "", "streaming"
                )
                await connection.execute(
                    "INSERT INTO turns (id, conversation_id, user_id, user_message_id, answer_message_id, "
                    "model, revision, parameters, status, trimmed_messages, traceparent, runner, "
                    "lease_until) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, $10, $11, "
                    "now() + make_interval(secs => $12))",
                    turn.id,
                    turn.conversation_id,
                    turn.user_id,
                    turn.user_message_id,
                    turn.answer_id,
                    turn.model,
                    turn.revision,
                    dict(turn.parameters),
                    turn.trimmed_messages,
                    turn.traceparent,
                    runner,
                    LEASE_SECONDS,
                )
                await self._ledger.reserve(
                    connection,
                    user_id=turn.user_id,
                    kind=Kind.TURN,
                    reference=turn.id,
                    model=turn.model,
                    revision=turn.revision,
                    tokens=tokens,
                )
                tag = await connection.execute(
                    "UPDATE conversations SET head_message_id = $3, model = $4, updated_at = now() "
                    "WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
                    turn.conversation_id,
                    turn.user_id,
                    turn.answer_id,
                    turn.model,
                )
                if tag == "UPDATE 0":
                    raise NotFound("This conversation was deleted.")
        except UniqueViolation as error:
            raise TurnRunning() from error

    async def settle(self, turn: TurnStart, end: TurnEnd) -> bool:
        """One transaction: the answer, the figures, the ledger, and whatever follows from it.

        Says False, and changes nothing, when the turn had its end already.
        """
        async with self._postgres.transaction() as connection:
            tag = await connection.execute(
                "UPDATE turns SET status = $2, finish_reason = $3, error = $4, delta_ends = $5, "
                "prompt_tokens = $6, completion_tokens = $7, ttft_ms = $8, duration_ms = $9, replica = $10, "
                "settled_at = now() WHERE id = $1 AND status = 'running'",
                turn.id,
                end.status.value,
                end.finish_reason,
                dict(end.error) if end.error else None,
                list(end.delta_ends),
                end.prompt_tokens,
                end.completion_tokens,
                end.ttft_ms,
                end.duration_ms,
                end.replica,
            )
            if tag == "UPDATE 0":
                return False
            await connection.execute(
                "UPDATE messages SET content = $2, status = $3 WHERE id = $1",
                turn.answer_id,
                end.text,
                _MESSAGE_STATUS[end.status],
            )
            await connection.execute(
                "UPDATE conversations SET updated_at = now() WHERE id = $1", turn.conversation_id
            )
            await self._ledger.settle(
                connection,
                kind=Kind.TURN,
                reference=turn.id,
                outcome=Outcome(end.status.value),
                tokens=Tokens(end.prompt_tokens, end.completion_tokens, end.exact),
            )
            await self._after.turn_settled(connection, turn, end)
            return True

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Renew the leases of these turns and keep their text so far."""
        async with self._postgres.transaction() as connection:
            await connection.executemany(
                "UPDATE turns SET lease_until = now() + make_interval(secs => $2), delta_ends = $3 "
                "WHERE id = $1 AND status = 'running'",
                [(point.turn_id, LEASE_SECONDS, list(point.delta_ends)) for point in checkpoints],
            )
            await connection.executemany(
                "UPDATE messages SET content = $2 WHERE id = $1 AND status = 'streaming'",
                [(point.answer_id, point.text) for point in checkpoints],
            )

    async def get(self, user_id: str, turn_id: str) -> TurnRow | None:
        """One turn, or None when there is none, its conversation was deleted, or it is somebody else's."""
        row = await self._postgres.fetchrow(
            _TURN + "JOIN conversations c ON c.id = t.conversation_id "
            "WHERE t.id = $1 AND t.user_id = $2 AND c.deleted_at IS NULL",
            turn_id,
            user_id,
        )
        return _turn(row) if row else None

    async def stored(self, turn_id: str) -> TurnRow | None:
        """How a turn stands, for the process that runs it; None when it was never stored."""
        row = await self._postgres.fetchrow(_TURN + "WHERE t.id = $1", turn_id)
        return _turn(row) if row else None

    async def abandoned(self, limit: int = 100) -> Sequence[TurnRow]:
        """Running turns whose runner has not renewed its lease."""
        rows = await self._postgres.fetch(
            _TURN + "WHERE t.status = 'running' AND t.lease_until < now() ORDER BY t.lease_until LIMIT $1",
            limit,
        )
        return [_turn(row) for row in rows]

    async def running_in(self, conversation_id: str) -> str | None:
        """The id of the conversation's running turn."""
        turn_id: str | None = await self._postgres.fetchval(
            "SELECT id FROM turns WHERE conversation_id = $1 AND status = 'running'", conversation_id
        )
        return turn_id


async def _insert_message(
    connection: Connection,
    turn: TurnStart,
    message_id: str,
    parent_id: str | None,
    role: str,
    content: str,
    status: str,
) -> None:
    await connection.execute(
        "INSERT INTO messages "
        "(id, conversation_id, parent_id, depth, turn_id, role, content, status, model) "
        "VALUES "
        "($1, $2, $3, coalesce((SELECT depth + 1 FROM messages WHERE id = $3), 0), $4, $5, $6, $7, $8)",
        message_id,
        turn.conversation_id,
        parent_id,
        turn.id,
        role,
        content,
        status,
        turn.model if role == "assistant" else None,
    )


def _turn(row: Record) -> TurnRow:
    parameters: Mapping[str, object] = row["parameters"]
    start = TurnStart(
        id=row["id"],
        user_id=row["user_id"],
        conversation_id=row["conversation_id"],
        user_message_id=row["user_message_id"],
        answer_id=row["answer_message_id"],
        model=row["model"],
        revision=row["revision"],
        trimmed_messages=row["trimmed_messages"],
        parameters=parameters,
        traceparent=row["traceparent"],
    )
    status = TurnStatus(row["status"])
    end = TurnEnd(
        status=status,
        text=row["content"],
        delta_ends=row["delta_ends"],
        finish_reason=row["finish_reason"],
        error=row["error"],
        prompt_tokens=row["prompt_tokens"] or 0,
        completion_tokens=row["completion_tokens"] or 0,
        exact=True,
        ttft_ms=row["ttft_ms"],
        duration_ms=row["duration_ms"] or 0.0,
        replica=row["replica"],
    )
    return TurnRow(start=start, status=status, runner=row["runner"], end=end)
