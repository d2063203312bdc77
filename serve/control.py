"""Deploy, inspect and retire revisions over HTTP: a small Serve application at `/control`, guarded."""

import asyncio
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import ray
from pydantic import ValidationError
from ray import serve as ray_serve

from models.spec import ModelSpec, first_complaint
from serve.app import application_name
from serve.deployer import Conflict, Deployer
from serve.guard import Application, Receive, Scope, Send, relative_path
from serve.replica import CONTROL, guarded
from serve.revision_log import revision_log
from serve.usage_board import UsageBoard

NAME = CONTROL
PREFIX = "/control"
MAX_BODY_BYTES = 1024 * 1024
_APP = re.compile(r"/apps/([a-z0-9._-]{1,63})/([a-z0-9._-]{1,63})")
_LOG = re.compile(_APP.pattern + "/log")


class ControlApp:
    """The ASGI application: `GET /apps`, `PUT` and `DELETE /apps/{model}/{revision}`,
    `GET /apps/{model}/{revision}/log`, `GET /usage`, `GET /queue`, `GET /health`."""

    def __init__(self, deployer: Deployer, board: UsageBoard, logs: Path) -> None:
        """`logs`: Ray's log folder."""
        self._deployer = deployer
        self._board = board
        self._logs = logs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        path = relative_path(scope)
        if (scope["method"], path) == ("GET", "/usage"):
            status, body = self._usage(scope["query_string"])
        elif (scope["method"], path) == ("GET", "/queue"):
            status, body = 200, self._board.queue()
        else:
            status, body = await self._route(scope["method"], path, receive)
        raw = orjson.dumps(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    async def _route(self, method: str, path: str, receive: Receive) -> tuple[int, dict[str, Any]]:
        if (method, path) == ("GET", "/health"):
            return 200, {"status": "ok"}
        if (method, path) == ("GET", "/apps"):
            return 200, {"apps": [asdict(app) for app in await self._deployer.apps()]}
        if method == "GET" and (asked := _LOG.fullmatch(path)) is not None:
            text = await asyncio.to_thread(revision_log, self._logs, application_name(*asked.groups()))
            if text is None:
                return 404, _error(f"No replica of {asked[1]} {asked[2]} has written anything here.")
            return 200, {"text": text}
        found = _APP.fullmatch(path)
        if found is None or method not in ("PUT", "DELETE"):
            return 404, _error(f"There is no {method} {path} here.")
        model, revision = found.groups()
        try:
            if method == "DELETE":
                if not await asyncio.to_thread(self._deployer.delete, model, revision):
                    return 404, _error(f"There is no revision {revision} of {model}.")
                return 202, {"state": "draining"}
            return await self._put(model, revision, await _read(receive))
        except Conflict as conflict:
            return 409, _error(str(conflict), "revision")

    def _usage(self, query: bytes) -> tuple[int, dict[str, Any]]:
        """What the engines did; `after` (with the `epoch` it belongs to) leaves out records read before."""
        asked = dict(parse_qsl(query.decode("latin-1")))
        after = asked.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 19):
            return 422, _error("after must be a number.", "after")
        return 200, self._board.show(asked.get("epoch", ""), int(after))

    async def _put(self, model: str, revision: str, raw: bytes | None) -> tuple[int, dict[str, Any]]:
        if raw is None:
            return 413, _error("The spec is too large.")
        try:
            spec = ModelSpec.model_validate_json(raw)
        except ValidationError as error:
            field, message = first_complaint(error)
            return 422, _error(message, field)
        for field, said, meant in (("name", spec.name, model), ("revision", spec.revision, revision)):
            if said != meant:
                return 422, _error(f"The spec says {said}, the address says {meant}.", field)
        state = await asyncio.to_thread(self._deployer.put, spec)
        return 202, {"state": state.state}


class ControlReplica:
    """The deployment."""

    def __init__(self) -> None:
        self._board = UsageBoard()

    async def report(self, raw: bytes) -> str:
        """Called by every replica about once a second; see reporter.py."""
        return self._board.take(raw)

    async def __serve_build_asgi_app__(self) -> Application:
        token = os.environ["HEADRACE_INTERNAL_TOKEN"]
        deployer = Deployer(Path(os.environ["HEADRACE_VAR_DIR"]), os.environ["SERVE_URL"], token)
        logs = Path(ray._private.worker.global_worker.node.get_logs_dir_path())
        return guarded(ControlApp(deployer, self._board, logs), routes=None)


def control_application() -> ray_serve.Application:
    """Control as a Serve application."""
    return ray_serve.deployment(
        ray_serve.ingress()(ControlReplica),
        name=NAME,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=100,
        max_queued_requests=100,
        graceful_shutdown_timeout_s=5,
        health_check_period_s=2,
        logging_config={"enable_access_log": False},
    ).bind()


def _error(message: str, field: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "field": field}}


async def _read(receive: Receive) -> bytes | None:
    raw = b""
    while True:
        message = await receive()
        piece: bytes = message.get("body", b"")
        raw += piece
        if len(raw) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return raw
