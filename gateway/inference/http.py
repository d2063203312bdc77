"""Requests to engines over HTTP, through the load balancer in front of the replicas."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import aiohttp

from core.errors import EngineFailed, EngineLost, EngineTimeout, HeadraceError, ModelNotReady
from core.log import get_logger
from gateway.inference.protocol import Target

log = get_logger(__name__)

# What the client library raises, and what it means. The first match counts.
_TRANSLATIONS: tuple[tuple[type[BaseException], type[HeadraceError]], ...] = (
    (aiohttp.ConnectionTimeoutError, ModelNotReady),
    (aiohttp.ClientConnectorError, ModelNotReady),
    (aiohttp.ServerTimeoutError, EngineTimeout),
    (TimeoutError, EngineTimeout),
    (aiohttp.ClientError, EngineLost),
    (OSError, EngineLost),
)

_FOREIGN = (aiohttp.ClientError, TimeoutError, OSError)


def _translate(error: BaseException) -> HeadraceError:
    for foreign, ours in _TRANSLATIONS:
        if isinstance(error, foreign):
            return ours(retry_after=2)
    return EngineFailed()


class HttpEngineResponse:
    """A response of the client library, with our errors."""

    __slots__ = ("_response",)

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except _FOREIGN as error:
            log.warning("engine.broke_off", error=repr(error))
            raise _translate(error) from error

    async def read(self, limit: int) -> bytes:
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                await self.close()
                raise EngineFailed("The model's answer is larger than this server passes on.")
        return bytes(body)

    async def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            # Closing the connection is what tells the engine to stop.
            self._response.close()


class HttpInference:
    """One bounded pool of connections to the serving address.

    Args:
        serve_url: where the load balancer listens, without a trailing slash.
        token: the internal bearer token.
        connect_timeout, first_byte_timeout, idle_timeout: seconds; `first_byte_timeout` also bounds the
            wait for a whole answer that does not stream.
    """

    def __init__(
        self,
        serve_url: str,
        token: str,
        *,
        connect_timeout: float,
        first_byte_timeout: float,
        idle_timeout: float,
        connections: int = 2048,
    ) -> None:
        self._serve_url = serve_url
        self._authorization = f"Bearer {token}"
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=connect_timeout, sock_read=max(first_byte_timeout, idle_timeout)
        )
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30),
            timeout=self._timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
        )

    async def stop(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(session.close(), 5)

    async def send(
        self, target: Target, route: str, body: bytes, *, request_id: str, traceparent: str
    ) -> HttpEngineResponse:
        if self._session is None:
            raise ModelNotReady()
        try:
            response = await self._session.post(
                f"{self._serve_url}{target.path}{route}",
                data=body,
                headers={
                    "Authorization": self._authorization,
                    "Content-Type": "application/json",
                    "x-request-id": request_id,
                    "traceparent": traceparent,
                },
                allow_redirects=False,
            )
        except _FOREIGN as error:
            log.warning("engine.unreachable", model=target.model, error=repr(error))
            raise _translate(error) from error
        return HttpEngineResponse(response)
