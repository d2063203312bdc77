"""The only file that opens connections to Valkey (or Redis)."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import NoScriptError, RedisError

from core.errors import Unavailable
from core.log import get_logger

log = get_logger(__name__)

SUBSCRIPTION_IDLE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry of a stream: the two numbers of its id, and its fields."""

    number: int
    part: int
    fields: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """Keys and arguments of one call of a script."""

    keys: Sequence[str]
    arguments: Sequence[str | bytes | int]


class Script:
    """A Lua script and the digest by which the server knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Published:
    """One message of a channel. `lost` is True on the first one after a broken connection, whose payload is
    empty: whoever keeps a cache must drop it, because messages may have passed unseen."""

    channel: str
    payload: bytes
    lost: bool = False


class KeyValue:
    """Short commands with a short deadline, and subscriptions that come back by themselves.

    Raises (from every command): core.errors.Unavailable when the server cannot be reached or is too slow.
    """

    def __init__(self, url: str, *, timeout: float = 2.0, connections: int = 32) -> None:
        self._url = url
        self._timeout = timeout
        self._connections = connections
        self._client: redis.Redis | None = None

    async def start(self) -> None:
        """Make the client. It connects when first used, so a server that is down does not stop a start."""
        self._client = redis.Redis.from_url(
            self._url,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            max_connections=self._connections,
            retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 1),
            health_check_interval=30,
        )

    async def stop(self) -> None:
        """Close every connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    @property
    def client(self) -> redis.Redis:
        """The underlying client, for libraries that take one (rate limits)."""
        if self._client is None:
            raise Unavailable("The cache connection is closed.")
        return self._client

    async def check(self) -> None:
        """PING; raises Unavailable when that fails."""
        with translated():
            await self.client.ping()

    async def get(self, key: str) -> bytes | None:
        """The value of `key`, or None."""
        with translated():
            return _bytes(await self.client.get(key))

    async def set(self, key: str, value: bytes | str, *, ttl: float, only_new: bool = False) -> bool:
        """Store `value` for `ttl` seconds; with `only_new`, says whether it was not there before."""
        with translated():
            stored = await self.client.set(key, value, px=max(1, int(ttl * 1000)), nx=only_new)
            return bool(stored)

    async def take(self, key: str) -> bytes | None:
        """The value of `key`, which is gone afterwards: of many callers one gets it."""
        with translated():
            return _bytes(await self.client.getdel(key))

    async def delete(self, *keys: str) -> None:
        """Forget these keys."""
        if keys:
            with translated():
                await self.client.delete(*keys)

    async def publish(self, channel: str, payload: bytes) -> None:
        """Send `payload` to whoever listens to `channel` now."""
        with translated():
            await self.client.publish(channel, payload)

    async def run_script(self, script: "Script", calls: Sequence["ScriptCall"]) -> Sequence[Any]:
        """The answers of all these calls of one Lua script, made in one round trip.

        A call must change nothing when it is repeated: after a restart of the server all are made again.
        """
        with translated():
            answers = await self._evaluate(script, calls)
            if any(isinstance(answer, NoScriptError) for answer in answers):
                await self.client.script_load(script.text)
                answers = await self._evaluate(script, calls)
        for answer in answers:
            if isinstance(answer, BaseException):
                log.warning("keyvalue.script_failed", error=repr(answer))
                raise Unavailable("The cache is not answering. Try again in a moment.", retry_after=2)
        return answers

    async def _evaluate(self, script: "Script", calls: Sequence["ScriptCall"]) -> list[Any]:
        pipeline = self.client.pipeline(transaction=False)
        for call in calls:
            pipeline.evalsha(script.digest, len(call.keys), *call.keys, *call.arguments)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    async def stream(self, key: str, limit: int) -> Sequence["StreamEntry"]:
        """The first `limit` entries of a stream; none when there is no stream."""
        with translated():
            found: Any = await self.client.xrange(key, count=limit)
        return [_entry(raw) for raw in found or ()]

    def tail_streams(self) -> "StreamTail":
        """A reader that waits for new entries of many streams at once."""
        return StreamTail(self._url, self._timeout)

    async def subscribe(
        self, channels: Sequence[str] = (), patterns: Sequence[str] = ()
    ) -> AsyncIterator[Published]:
        """Messages of these channels, for ever; a broken connection is made anew with a pause between tries.

        A subscription needs a connection without the short deadline of commands. The idle time is bounded by
        a PING, so that a connection that died in silence is noticed.
        """
        pause = 0.2
        first = True
        while True:
            connection = redis.Redis.from_url(
                self._url,
                socket_timeout=SUBSCRIPTION_IDLE_SECONDS * 2,
                socket_connect_timeout=self._timeout,
                single_connection_client=True,
                health_check_interval=0,
            )
            try:
                async with connection.pubsub(ignore_subscribe_messages=True) as subscription:
                    if channels:
                        await subscription.subscribe(*channels)
                    if patterns:
                        await subscription.psubscribe(*patterns)
                    _heed_cancellation()
                    if not first:
                        yield Published(channel="", payload=b"", lost=True)
                    first, pause = False, 0.2
                    while True:
                        message = await subscription.get_message(timeout=SUBSCRIPTION_IDLE_SECONDS)
                        _heed_cancellation()
                        if message is None:
                            await subscription.ping()
                        elif message["type"] in ("message", "pmessage"):
                            yield Published(message["channel"].decode(), message["data"])
            except (RedisError, OSError) as error:
                log.warning("keyvalue.subscription_lost", error=repr(error), retry_in=pause)
                first = False
                _heed_cancellation()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            finally:
                with contextlib.suppress(RedisError, OSError):
                    await connection.aclose()


class StreamTail:
    """One connection that waits for entries. Not for several callers at once."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._connection: redis.Redis | None = None

    async def read(
        self, positions: Mapping[str, str], wait: float, limit: int
    ) -> Mapping[str, Sequence[StreamEntry]]:
        """Entries after these ids, up to `limit` of each stream; nothing when none came in `wait` seconds.

        Raises: core.errors.Unavailable; the next call connects anew.
        """
        if self._connection is None:
            self._connection = redis.Redis.from_url(
                self._url,
                socket_timeout=wait + self._timeout,
                socket_connect_timeout=self._timeout,
                single_connection_client=True,
                health_check_interval=0,
            )
        try:
            with translated():
                asked: dict[Any, Any] = dict(positions)
                found: Any = await self._connection.xread(asked, count=limit, block=max(1, int(wait * 1000)))
        except BaseException:
            # A connection that was left in the middle of an answer is of no more use.
            await self.close()
            raise
        _heed_cancellation()
        streams = found.items() if isinstance(found, dict) else found
        return {key.decode(): [_entry(raw) for raw in _flat(entries)] for key, entries in streams}

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(RedisError, OSError):
                await connection.aclose()


def _flat(entries: Sequence[Any]) -> Sequence[Any]:
    """The third protocol version wraps the entries of a stream in one more list."""
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _entry(raw: tuple[bytes, Mapping[bytes, bytes]]) -> StreamEntry:
    number, _, part = raw[0].partition(b"-")
    return StreamEntry(int(number), int(part), raw[1])


def _heed_cancellation() -> None:
    """The client loses some cancellations (while it connects, say); without this the task would never end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except (RedisError, OSError) as error:
        log.warning("keyvalue.failed", error=repr(error))
        raise Unavailable("The cache is not answering. Try again in a moment.", retry_after=2) from error
