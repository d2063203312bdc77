"""Orders to the serving side: deploy, look, retire."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlencode

import aiohttp
import msgspec
import orjson

from core.errors import HeadraceError, NotFound, Unavailable
from gateway.routing.queues import ReplicaQueue
from gateway.routing.tables import State
from gateway.usage.engines import EngineReport
from models.spec import ModelSpec

DEADLINE_SECONDS = 15.0


class Application(msgspec.Struct, frozen=True):
    """What the serving side says about one revision."""

    model: str
    revision: str
    state: State
    message: str = ""
    replicas: int = 0
    weights: str = ""


class _Applications(msgspec.Struct):
    apps: list[Application]


class DeployRefused(HeadraceError):
    """The serving side will not deploy this specification, now or later."""

    status = 422
    code = "invalid"


class _Queues(msgspec.Struct):
    replicas: list[ReplicaQueue]


class Control(Protocol):
    """The serving side's control. Its calls raise core.errors.Unavailable when nobody answers in time."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def applications(self) -> Sequence[Application]: ...

    async def deploy(self, spec: ModelSpec) -> None: ...

    async def retire(self, model: str, revision: str) -> None: ...

    async def log(self, model: str, revision: str) -> str: ...

    async def usage(self, epoch: str, after: int) -> EngineReport: ...

    async def queues(self) -> Sequence[ReplicaQueue]: ...


class HttpControl:
    """Control over HTTP. Every call raises core.errors.Unavailable when it is not answered in time."""

    def __init__(self, serve_url: str, token: str) -> None:
        self._url = f"{serve_url}/control/apps"
        self._usage_url = f"{serve_url}/control/usage"
        self._queue_url = f"{serve_url}/control/queue"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS), trust_env=False
        )

    async def stop(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(session.close(), 5)

    async def applications(self) -> Sequence[Application]:
        status, body = await self._call("GET", self._url)
        if status != 200:
            raise Unavailable(f"The serving side answered {status} when asked for its models.")
        try:
            return msgspec.json.decode(body, type=_Applications).apps
        except msgspec.DecodeError as error:
            raise Unavailable("The serving side's list of models cannot be read.") from error

    async def deploy(self, spec: ModelSpec) -> None:
        """Raises DeployRefused, with the reason, when the specification is impossible."""
        status, body = await self._call(
            "PUT", f"{self._url}/{spec.name}/{spec.revision}", orjson.dumps(spec.model_dump(mode="json"))
        )
        if status == 422:
            raise DeployRefused(_message_of(body))
        if status >= 300:
            raise Unavailable(f"The serving side answered {status} to a deploy.")

    async def retire(self, model: str, revision: str) -> None:
        status, _ = await self._call("DELETE", f"{self._url}/{model}/{revision}")
        if status >= 300 and status != 404:
            raise Unavailable(f"The serving side answered {status} to a retire.")

    async def log(self, model: str, revision: str) -> str:
        """What its replicas wrote last. Raises core.errors.NotFound where there never was one."""
        status, body = await self._call("GET", f"{self._url}/{model}/{revision}/log")
        if status == 404:
            raise NotFound(_message_of(body))
        if status != 200:
            raise Unavailable(f"The serving side answered {status} when asked for a log.")
        try:
            return str(orjson.loads(body)["text"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Unavailable("The serving side's log cannot be read.") from error

    async def usage(self, epoch: str, after: int) -> EngineReport:
        """Implements `gateway.usage.engines.EngineUsage`."""
        status, body = await self._call(
            "GET", f"{self._usage_url}?{urlencode({'epoch': epoch, 'after': after})}"
        )
        if status != 200:
            raise Unavailable(f"The serving side answered {status} when asked for its usage.")
        try:
            return msgspec.json.decode(body, type=EngineReport)
        except msgspec.DecodeError as error:
            raise Unavailable("The serving side's usage cannot be read.") from error

    async def queues(self) -> Sequence[ReplicaQueue]:
        """Implements `gateway.routing.queues.AsksQueues`."""
        status, body = await self._call("GET", self._queue_url)
        if status != 200:
            raise Unavailable(f"The serving side answered {status} when asked who waits.")
        try:
            return msgspec.json.decode(body, type=_Queues).replicas
        except msgspec.DecodeError as error:
            raise Unavailable("The serving side's queues cannot be read.") from error

    async def _call(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        if self._session is None:
            raise Unavailable("The connection to the serving side is closed.")
        try:
            async with self._session.request(
                method, url, data=body, headers={"Content-Type": "application/json"} if body else None
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable("The serving side is not answering.") from error


def _message_of(body: bytes) -> str:
    try:
        answer = orjson.loads(body)
        message = answer["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "The specification was refused without a reason."
    return str(message)
