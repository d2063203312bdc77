"""The only queries of turns, and the writing ones of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import NotFound, TurnRunning
from core.postgres import Connection, Postgres, Record, UniqueViolation
from gateway.chat.hooks import AfterTurn
from gateway.chat.tables import TurnEnd, TurnRow, TurnStart, TurnStatus
from gateway.usage.repository import LedgerRepository
from gateway.usage.tables import Kind, Outcome, Tokens

LEASE_SECONDS = 3.0
KEEP_RUNNERS_SECONDS = 3600.0

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
    attempt: int
    text: str
    delta_ends: Sequence[int]


@dataclass(frozen=True, slots=True)
class Taken:
    """A turn that was taken over: which attempt it is, seconds since it began, and whether it shall stop."""

    attempt: int
    age: float
    stop_asked: bool


class TurnRepository:
    """Turns from their beginning to their one end."""

    def __init__(self, postgres: Postgres, ledger: LedgerRepository, after: AfterTurn) -> None:
        self._postgres = postgres
        self._ledger = ledger
        self._after = after

    async def begin(
        self,
        turn: TurnStart,
        *,
        parent_id: str | None,
        content: str | None,
        model: str,
        runner: str,
        tokens: int,
    ) -> None:
        """One transaction: the person's message (unless `content` is None: then it is there already), the
        empty answer, the turn, and the reservation of `tokens` in the ledger. `model` is the one that was
        asked for, and stays the conversation's where another one answers in its place.

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
                    "summarised_messages) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, $10, $11, $12)",
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
                    turn.summarised_messages,
                )
                tag = await connection.execute(
                    "UPDATE conversations SET head_message_id = $3, model = $4, updated_at = now() "
                    "WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
                    turn.conversation_id,
                    turn.user_id,
                    turn.answer_id,
                    model,
                )
                if tag == "UPDATE 0":
                    raise NotFound("This conversation was deleted.")
                await self._ledger.reserve(
                    connection,
                    user_id=turn.user_id,
                    kind=Kind.TURN,
                    reference=turn.id,
                    model=turn.model,
                    revision=turn.revision,
                    tokens=tokens,
                )
        except UniqueViolation as error:
            raise TurnRunning() from error

    async def move(self, turn: TurnStart, attempt: int, served: tuple[str, str] | None) -> None:
        """Others answer than those who were to: `served` says who, None that they are the same again."""
        model, revision = served or (None, None)
        async with self._postgres.transaction() as connection:
            tag = await connection.execute(
                "UPDATE turns SET served_model = $2, served_revision = $3 "
                "WHERE id = $1 AND status = 'running' AND attempt = $4",
                turn.id,
                model,
                revision,
                attempt,
            )
            if tag != "UPDATE 0":
                await connection.execute(
                    "UPDATE messages SET model = $2 WHERE id = $1", turn.answer_id, model or turn.model
                )

    async def settle(self, turn: TurnStart, end: TurnEnd, attempt: int) -> bool:
        """One transaction: the answer, the figures, the ledger, and whatever follows from it.

        Says False, and changes nothing, when the turn had its end already or has another runner.
        """
        async with self._postgres.transaction() as connection:
            tag = await connection.execute(
                "UPDATE turns SET status = $2, finish_reason = $3, error = $4, delta_ends = $5, "
                "prompt_tokens = $6, completion_tokens = $7, ttft_ms = $8, duration_ms = $9, replica = $10, "
                "repeated_tokens = $12, settled_at = now() "
                "WHERE id = $1 AND status = 'running' AND attempt = $11",
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
                attempt,
                end.repeated_tokens,
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
            await self._after.turn_settled(connection, turn, end)
            await self._ledger.settle(
                connection,
                kind=Kind.TURN,
                reference=turn.id,
                outcome=Outcome(end.status.value),
                tokens=Tokens(end.prompt_tokens, end.completion_tokens, end.exact),
                finished=Tokens(*end.finished) if end.finished is not None else None,
                model=end.served[0] if end.served else None,
                revision=end.served[1] if end.served else None,
            )
            return True

    async def renew(self, runner: str) -> None:
        """Say that this runner lives, and forget those that are long gone."""
        await self._postgres.execute(
            "WITH gone AS (DELETE FROM runners WHERE lease_until < now() - make_interval(secs => $3)) "
            "INSERT INTO runners (id, lease_until) VALUES ($1, now() + make_interval(secs => $2)) "
            "ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
            runner,
            LEASE_SECONDS,
            KEEP_RUNNERS_SECONDS,
        )

    async def retire(self, runner: str) -> None:
        """Say that this runner ends: whatever it has not ended may be taken over at once."""
        await self._postgres.execute("DELETE FROM runners WHERE id = $1", runner)

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Keep the text so far, for the day on which the shared log is lost too."""
        async with self._postgres.transaction() as connection:
            await connection.executemany(
                "UPDATE turns SET delta_ends = $3 WHERE id = $1 AND status = 'running' AND attempt = $2",
                [(point.turn_id, point.attempt, list(point.delta_ends)) for point in checkpoints],
            )
            await connection.executemany(
                "UPDATE messages SET content = $3 WHERE id = $2 AND EXISTS (SELECT FROM turns "
                "WHERE id = $1 AND status = 'running' AND attempt = $4)",
                [(point.turn_id, point.answer_id, point.text, point.attempt) for point in checkpoints],
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
        """Running turns whose runner is gone or has not renewed its lease."""
        rows = await self._postgres.fetch(
            _TURN + "LEFT JOIN runners r ON r.id = t.runner WHERE t.status = 'running' "
            "AND coalesce(r.lease_until < now(), true) ORDER BY t.created_at LIMIT $1",
            limit,
        )
        return [_turn(row) for row in rows]

    async def take(self, row: TurnRow, runner: str) -> Taken | None:
        """Become the runner of an abandoned turn; None when somebody else has."""
        taken = await self._postgres.fetchrow(
            "UPDATE turns SET runner = $2, attempt = attempt + 1 "
            "WHERE id = $1 AND status = 'running' AND attempt = $3 "
            "RETURNING attempt, stop_asked, extract(epoch FROM now() - created_at)::float8 AS age",
            row.start.id,
            runner,
            row.attempt,
        )
        return Taken(taken["attempt"], taken["age"], taken["stop_asked"]) if taken else None

    async def ask_to_stop(self, turn_id: str) -> None:
        """Note that a running turn shall stop, for whoever takes it over."""
        await self._postgres.execute(
            "UPDATE turns SET stop_asked = true WHERE id = $1 AND status = 'running'", turn_id
        )

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
        summarised_messages=row["summarised_messages"],
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
        repeated_tokens=row["repeated_tokens"],
        served=(row["served_model"], row["served_revision"]) if row["served_model"] else None,
    )
    return TurnRow(start=start, status=status, runner=row["runner"], attempt=row["attempt"], end=end)
