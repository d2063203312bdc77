"""Live logs in Valkey: what one process writes, every other can follow and, if need be, continue.

An event is an entry `<number>-0` of the turn's stream, so it is there once however often it is sent. A fence
beside the stream holds the number of the attempt that may write: who takes a turn over raises it, and
whatever an earlier runner still sends is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import orjson

from core.keyvalue import KeyValue, Script, ScriptCall, StreamEntry, StreamTail
from gateway.chat.events import STATUS, Event

# A turn's events are at most this many; a longer stream is not a log of ours.
MOST_EVENTS = 200_000
FENCED = -1

_APPEND = Script(
    """
local fence = tonumber(redis.call('GET', KEYS[2]) or '0')
local attempt = tonumber(ARGV[1])
if fence > attempt then return -1 end
redis.call('SET', KEYS[2], attempt, 'EX', ARGV[2])
local last = 0
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if #tail > 0 then last = tonumber(string.match(tail[1][1], '^%d+')) end
for i = 3, #ARGV, 4 do
    local number = tonumber(ARGV[i])
    if number == 0 then
        redis.call('XADD', KEYS[1], last .. '-*', 'k', ARGV[i + 1], 'd', ARGV[i + 2])
    elseif number == last + 1 then
        redis.call('XADD', KEYS[1], number .. '-0', 'k', ARGV[i + 1], 'd', ARGV[i + 2], 'c', ARGV[i + 3])
        last = number
    elseif number > last + 1 then
        return last
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[2])
return last
"""
)
_FENCE = Script(
    """
local fence = tonumber(redis.call('GET', KEYS[1]) or '0')
local attempt = tonumber(ARGV[1])
if fence > attempt then return -1 end
redis.call('SET', KEYS[1], attempt, 'EX', ARGV[2])
return attempt
"""
)


class Seam(msgspec.Struct, array_like=True, omit_defaults=True):
    """What another runner needs of one delta to go on behind it.

    Attributes:
        tokens: ids of the tokens whose text this delta completes.
        held: text of those tokens that is not shown yet, because it may begin a stop sequence.
        prompt: ids of the prompt's tokens, on the first delta.
        ttft_ms: time to the first token, on the first delta.
    """

    tokens: list[int] = []
    held: str = ""
    prompt: list[int] | None = None
    ttft_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One event on its way to the store. A status has the number 0."""

    event: Event
    seam: Seam | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """New entries of one turn, in order. `keep` is how many seconds the log stays."""

    turn_id: str
    attempt: int
    entries: Sequence[Entry]
    keep: int


@dataclass(frozen=True, slots=True)
class StoredLog:
    """What a runner left behind: its request to the engine, and the events with their seams."""

    request: bytes
    entries: Sequence[Entry]

    @property
    def ended(self) -> bool:
        """Whether followers have been told the end."""
        return bool(self.entries) and self.entries[-1].event.terminal

    @property
    def pieces(self) -> Sequence[str]:
        """The texts of the deltas."""
        return [orjson.loads(entry.event.data)["text"] for entry in self.entries if entry.seam is not None]

    @property
    def tokens_made(self) -> int:
        """How many tokens have come, as far as the engine told their ids."""
        return sum(len(entry.seam.tokens) for entry in self.entries if entry.seam is not None)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Seam)


class LogStore:
    """The logs of running and lately ended turns. Raises core.errors.Unavailable from every method."""

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue

    async def put_request(self, turn_id: str, request: bytes, keep: int) -> None:
        """Keep what the engine is asked, so that somebody else can ask it again."""
        await self._keyvalue.set(_request_key(turn_id), request, ttl=keep)

    async def append(self, appends: Sequence[Append]) -> Sequence[int]:
        """Write all of these in one round trip.

        Returns, for each, the number of the last event that is stored now, or FENCED when the turn has
        another runner. A number below the last one sent says that the store lost what was before: send anew
        from the next one.
        """
        calls = []
        for append in appends:
            arguments: list[str | bytes | int] = [append.attempt, append.keep]
            for entry in append.entries:
                seam = _encoder.encode(entry.seam) if entry.seam is not None else b""
                arguments += [entry.event.seq, entry.event.kind, entry.event.data, seam]
            calls.append(
                ScriptCall(
                    [log_key(append.turn_id), _fence_key(append.turn_id), _request_key(append.turn_id)],
                    arguments,
                )
            )
        return [int(answer) for answer in await self._keyvalue.run_script(_APPEND, calls)]

    async def take(self, turn_id: str, attempt: int, keep: int) -> StoredLog | None:
        """Shut earlier runners out and read what they left; None when it is not enough to go on."""
        (answer,) = await self._keyvalue.run_script(
            _FENCE, [ScriptCall([_fence_key(turn_id)], [attempt, keep])]
        )
        if int(answer) == FENCED:
            return None
        request = await self._keyvalue.get(_request_key(turn_id))
        entries = [
            entry
            for raw in await self._keyvalue.stream(log_key(turn_id), MOST_EVENTS)
            if (entry := read_entry(raw)).event.seq
        ]
        if request is None or [entry.event.seq for entry in entries] != list(range(1, len(entries) + 1)):
            return None
        return StoredLog(request, entries)

    def tail(self) -> StreamTail:
        """A reader of new entries."""
        return self._keyvalue.tail_streams()


def log_key(turn_id: str) -> str:
    """The stream's name. The braces keep what belongs to one turn on one server of a cluster."""
    return f"headrace:turn:{{{turn_id}}}:log"


def _fence_key(turn_id: str) -> str:
    return f"headrace:turn:{{{turn_id}}}:fence"


def _request_key(turn_id: str) -> str:
    return f"headrace:turn:{{{turn_id}}}:request"


def read_entry(raw: StreamEntry) -> Entry:
    """An entry of the stream as it was written."""
    kind = raw.fields[b"k"].decode()
    seam = raw.fields.get(b"c")
    number = 0 if kind == STATUS else raw.number
    return Entry(Event(number, kind, raw.fields[b"d"]), _decoder.decode(seam) if seam else None)
