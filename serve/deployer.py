"""Starts and ends revisions, and says how each one is. Everything it knows it asks Serve for.

What was asked for is kept in the cluster's own key-value store, which lives and dies with the
applications; so a new control process knows all that the old one knew.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import orjson
from ray import serve as ray_serve
from ray.experimental import internal_kv
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview

from models.spec import ModelSpec
from serve.app import DEPLOYMENT, SEPARATOR, application_name, build, route_prefix

WEIGHTS_TIMEOUT_S = 3600.0
_PROBE_TIMEOUT_S = 2.0
_NAMESPACE = b"headrace"
_MAX_MESSAGE = 300
_DESCRIBE_ATTEMPTS = 5
_DESCRIBE_PAUSE_S = 0.1
_TAKEN_BACK = "is not registered for pickle by value"

_STATES = {
    ApplicationStatus.NOT_STARTED: "starting",
    ApplicationStatus.DEPLOYING: "starting",
    ApplicationStatus.RUNNING: "ready",
    ApplicationStatus.UNHEALTHY: "starting",
    ApplicationStatus.DEPLOY_FAILED: "failed",
    ApplicationStatus.DELETING: "draining",
}


@dataclass(frozen=True)
class AppState:
    """One revision. `state`: fetching, starting, warming, ready, draining or failed; `message` says why, or
    how far it is. `weights`: the digest of what its engine has loaded, where it has weights."""

    model: str
    revision: str
    state: str
    message: str = ""
    replicas: int = 0
    weights: str = ""


class Conflict(Exception):
    """The revision runs with other settings, or is just being ended."""


@dataclass
class _Attempt:
    """A deployment on its way to Serve: weights being prepared, or a failure before Serve knew of it."""

    digest: str
    state: AppState


class Deployer:
    """Thread-safe; every method but `apps` blocks for as long as Serve's controller takes to answer."""

    def __init__(self, var_dir: Path, serve_url: str, token: str) -> None:
        self._var_dir, self._serve_url = var_dir, serve_url
        self._headers = {"authorization": f"Bearer {token}"}
        self._lock = threading.Lock()
        self._describing = threading.Lock()
        self._attempts: dict[str, _Attempt] = {}
        # Revisions whose route was seen to work since they last became ready.
        self._proven: set[tuple[str, str]] = set()
        self._weights: dict[str, str] = {}

    def put(self, spec: ModelSpec) -> AppState:
        """Make the revision run. The same spec again changes nothing, except after a failure, when it is
        tried again. Raises Conflict."""
        name = application_name(spec.name, spec.revision)
        with self._lock:
            attempt = self._attempts.get(name)
            if attempt is not None and attempt.state.state != "failed":
                if attempt.digest != spec.digest:
                    raise Conflict(f"{name} is being started with other settings; use a new revision.")
                return attempt.state
            found = ray_serve.status().applications.get(name)
            if found is not None and found.status is ApplicationStatus.DELETING:
                raise Conflict(f"{name} is still draining; try again when it is gone.")
            if found is not None and found.status is not ApplicationStatus.DEPLOY_FAILED:
                if _remembered(name).get("digest") != spec.digest:
                    raise Conflict(f"{name} runs with other settings; use a new revision.")
                return _state_of(name, found)
            state = AppState(spec.name, spec.revision, "starting" if spec.source is None else "fetching")
            self._attempts[name] = _Attempt(spec.digest, state)
        threading.Thread(target=self._deploy, args=(spec, name), name=f"deploy-{name}", daemon=True).start()
        return state

    def delete(self, model: str, revision: str) -> bool:
        """End the revision, letting its streams finish; False when there is none."""
        name = application_name(model, revision)
        with self._lock:
            attempt = self._attempts.get(name)
            if attempt is not None and attempt.state.state != "failed":
                raise Conflict(f"{name} is being started; try again when it has.")
            known = self._attempts.pop(name, None) is not None
            if name in ray_serve.status().applications:
                ray_serve.delete(name, _blocking=False)
                known = True
            internal_kv._internal_kv_del(_key(name), namespace=_NAMESPACE)
            self._weights.pop(name, None)
        return known

    def _weights_of(self, name: str) -> str:
        """What an earlier control remembered is asked for once."""
        if name not in self._weights:
            self._weights[name] = _remembered(name).get("weights", "")
        return self._weights[name]

    async def apps(self) -> list[AppState]:
        """Every revision that Serve knows, or that is on its way there."""
        found = (await asyncio.to_thread(ray_serve.status)).applications
        states = {
            name: replace(_state_of(name, app), weights=self._weights_of(name))
            for name, app in found.items()
            if SEPARATOR in name
        }
        with self._lock:
            for name, attempt in self._attempts.items():
                if attempt.state.state != "failed" or name not in states:
                    states[name] = attempt.state
        await asyncio.gather(*(self._prove(name, states) for name in list(states)))
        return [states[name] for name in sorted(states)]

    async def _prove(self, name: str, states: dict[str, AppState]) -> None:
        # Serve calls an application running a moment before HAProxy knows the way to it.
        app = states[name]
        key = (name, str(app.replicas > 0))
        if app.state != "ready":
            self._proven.discard(key)
            return
        if key in self._proven or app.replicas == 0:
            return
        url = f"{self._serve_url}{route_prefix(app.model, app.revision)}/health"
        try:
            timeout = aiohttp.ClientTimeout(total=_PROBE_TIMEOUT_S)
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session,
                session.get(url) as response,
            ):
                proven = response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            proven = False
        if proven:
            self._proven.add(key)
        else:
            states[name] = replace(app, state="warming")

    def _deploy(self, spec: ModelSpec, name: str) -> None:
        try:
            weights = prepare_weights(spec, self._var_dir, lambda line: self._report(spec, name, line))
            self._weights[name] = weights.digest if weights else ""
            _remember(name, spec.digest, self._weights[name])
            self._report(spec, name, "", state="starting")
            self._run(spec, name, weights.folder if weights else None)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller reads it in the state
            failed = AppState(spec.name, spec.revision, "failed", one_sentence(str(error)))
            with self._lock:
                self._attempts[name] = _Attempt(spec.digest, failed)
            return
        with self._lock:
            self._attempts.pop(name, None)

    def _run(self, spec: ModelSpec, name: str, weights: Path | None) -> None:
        # Serve registers a module for pickling while it describes an application and takes that back, for the
        # whole process. So we describe one at a time; and as Serve does the same in threads of its own when
        # it reads a configuration, the one whose registration was taken from under it tries again.
        with self._describing:
            for attempt in range(_DESCRIBE_ATTEMPTS):
                try:
                    target = ray_serve.RunTarget(
                        build(spec, weights), name=name, route_prefix=route_prefix(spec.name, spec.revision)
                    )
                    ray_serve.run_many(
                        [target],
                        wait_for_ingress_deployment_creation=False,
                        wait_for_applications_running=False,
                    )
                    return
                except ValueError as error:
                    if _TAKEN_BACK not in str(error) or attempt == _DESCRIBE_ATTEMPTS - 1:
                        raise
                    time.sleep(_DESCRIBE_PAUSE_S * (attempt + 1))

    def _report(self, spec: ModelSpec, name: str, line: str, *, state: str = "fetching") -> None:
        with self._lock:
            told = AppState(spec.name, spec.revision, state, line[:_MAX_MESSAGE])
            self._attempts[name] = _Attempt(spec.digest, told)


@dataclass(frozen=True)
class Weights:
    """A folder that is ready, and the digest of what is in it."""

    folder: Path
    digest: str


def prepare_weights(spec: ModelSpec, var_dir: Path, report: Callable[[str], None]) -> Weights | None:
    """Run `models.weights` in a process of its own: converting imports torch, which must not stay here.

    Raises RuntimeError with that process's own sentence.
    """
    if spec.source is None:
        return None
    kinds = {spec.source.kind, spec.adapter.kind if spec.adapter is not None else ""}
    environment = {**os.environ, "HF_HUB_OFFLINE": "0" if "hub" in kinds else "1"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(spec.model_dump_json())
        file.flush()
        with subprocess.Popen(
            [sys.executable, "-m", "models.weights", "--spec", file.name, "--var-dir", str(var_dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            alarm = threading.Timer(WEIGHTS_TIMEOUT_S, process.kill)
            alarm.start()
            last = ""
            try:
                for line in process.stderr or ():
                    if line.strip():
                        last = line.strip()
                        report(last)
                folder, _, digest = (process.stdout.read() if process.stdout else "").strip().partition("\n")
            finally:
                alarm.cancel()
    if process.returncode != 0 or not folder:
        raise RuntimeError(last or f"Preparing the weights ended with status {process.returncode}.")
    return Weights(Path(folder), digest.strip())


def one_sentence(text: str) -> str:
    """The last line of a message or traceback, where Python says what went wrong."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:_MAX_MESSAGE] if lines else ""


def _state_of(name: str, app: ApplicationStatusOverview) -> AppState:
    model, revision = name.split(SEPARATOR, 1)
    engine = app.deployments.get(DEPLOYMENT)
    running = engine.replica_states.get("RUNNING", 0) if engine is not None else 0
    state = _STATES[app.status]
    if running and app.status in (ApplicationStatus.DEPLOYING, ApplicationStatus.UNHEALTHY):
        # Some of its replicas are on their way, back or for the first time; the others answer.
        state = "ready"
    message = ""
    # While an application starts, Serve's own messages only wonder why it takes so long.
    if app.status in (ApplicationStatus.DEPLOY_FAILED, ApplicationStatus.UNHEALTHY):
        message = one_sentence((engine.message if engine is not None else "") or app.message)
    return AppState(model, revision, state, message, running)


def _key(name: str) -> bytes:
    return f"app:{name}".encode()


def _remember(name: str, digest: str, weights: str) -> None:
    value = orjson.dumps({"digest": digest, "weights": weights})
    internal_kv._internal_kv_put(_key(name), value, overwrite=True, namespace=_NAMESPACE)


def _remembered(name: str) -> dict[str, str]:
    raw = internal_kv._internal_kv_get(_key(name), namespace=_NAMESPACE)
    with contextlib.suppress(orjson.JSONDecodeError, TypeError):
        found: dict[str, str] = orjson.loads(raw)
        return found
    return {}
