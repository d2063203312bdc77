"""The events of a turn, made in one place, so that a replay has the same bytes as the live log."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from gateway.chat.tables import TurnEnd, TurnStart, TurnStatus

# Says how it goes, is not part of the log and has no number.
STATUS = "turn.status"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a live log. `seq` counts from 1 without gaps, and is 0 for a status; `data` is JSON."""

    seq: int
    kind: str
    data: bytes

    @property
    def terminal(self) -> bool:
        return self.kind in ("turn.completed", "turn.stopped", "turn.failed")

    def frame(self) -> bytes:
        """As a server-sent event."""
        if self.seq == 0:
            return b"event: %b\ndata: %b\n\n" % (self.kind.encode(), self.data)
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (self.seq, self.kind.encode(), self.data)


def started(turn: TurnStart) -> tuple[str, bytes]:
    return "turn.started", orjson.dumps(
        {
            "turn_id": turn.id,
            "conversation_id": turn.conversation_id,
            "message_id": turn.user_message_id,
            "answer_id": turn.answer_id,
            "model": turn.model,
            "revision": turn.revision,
            "trimmed_messages": turn.trimmed_messages,
            "summarised_messages": turn.summarised_messages,
        }
    )


def delta(text: str) -> tuple[str, bytes]:
    return "delta", orjson.dumps({"text": text})


def status(state: str, place: int | None = None) -> Event:
    """`reconnecting` while the answer waits for another engine or runner, `queued` while it waits for a place
    in one (`place` 1 is the next), `running` when it goes on."""
    told: dict[str, str | int] = {"state": state}
    if place is not None:
        told["place"] = place
    return Event(0, STATUS, orjson.dumps(told))


def usage(turn: TurnStart, end: TurnEnd) -> tuple[str, bytes]:
    """What it cost, and who answered: somebody else, where the one it began with could not."""
    model, revision = end.served or (turn.model, turn.revision)
    return "usage", orjson.dumps(
        {
            "prompt_tokens": end.prompt_tokens,
            "completion_tokens": end.completion_tokens,
            "total_tokens": end.prompt_tokens + end.completion_tokens,
            "model": model,
            "revision": revision,
        }
    )


def ended(end: TurnEnd) -> tuple[str, bytes]:
    """The one terminal event."""
    if end.status is TurnStatus.FAILED:
        return "turn.failed", orjson.dumps(dict(end.error or {}), option=orjson.OPT_SORT_KEYS)
    times = {"ttft_ms": end.ttft_ms, "duration_ms": end.duration_ms}
    if end.status is TurnStatus.STOPPED:
        return "turn.stopped", orjson.dumps(times)
    return "turn.completed", orjson.dumps({"finish_reason": end.finish_reason, **times})


def replay(turn: TurnStart, end: TurnEnd) -> Sequence[Event]:
    """The whole log of a turn that has ended."""
    kinds = [started(turn)]
    begin = 0
    for offset in end.delta_ends:
        kinds.append(delta(end.text[begin:offset]))
        begin = offset
    kinds.append(usage(turn, end))
    kinds.append(ended(end))
    return [Event(index, kind, data) for index, (kind, data) in enumerate(kinds, start=1)]
