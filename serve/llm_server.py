"""A replica that runs vLLM: its own OpenAI application, behind the guard.

It holds a `ray.serve.llm.LLMServer` instead of being one. Importing that class imports vLLM and torch,
twenty seconds and most of a gigabyte, and Serve imports a deployment's class wherever the deployment is
described; so only the replica does it, when it builds its application.
"""

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

import orjson
from ray import serve as ray_serve

from models.spec import ModelSpec
from serve.disconnect import HearsDisconnect
from serve.guard import Application, Message
from serve.replica import CountedReplica, guarded
from serve.revision_log import PROCESS_MARK
from serve.vllm_arguments import engine_kwargs

if TYPE_CHECKING:
    from ray.serve.llm import LLMServer

logger = logging.getLogger("ray.serve")

START_TIMEOUT_S = 1800.0


class VllmReplica(CountedReplica):
    """One engine. `weights` is a folder that is ready on this machine's disk."""

    def __init__(self, spec_json: str, weights: str) -> None:
        self._spec = ModelSpec.model_validate_json(spec_json)
        self._weights = weights
        logger.info("%s %d", PROCESS_MARK, os.getpid())
        self._server: LLMServer | None = None

    async def __serve_build_asgi_app__(self) -> Application:
        from ray.llm._internal.serve.core.server.llm_server import LLMServer

        config = llm_config(self._spec, self._weights)
        # The weights are here: no second worker has to import vLLM just to look for them.
        config.get_or_create_callback().ctx.run_init_node = False
        server = LLMServer.sync_init(config)
        # What `server.start()` does, without its telemetry: an actor that imports vLLM once more to report.
        server.engine = engine_class(self._spec)(config)
        await asyncio.wait_for(server.engine.start(), START_TIMEOUT_S)
        app: Application = await server.__serve_build_asgi_app__()
        await warm(app, self._spec.name)
        self._server = server
        return guarded(HearsDisconnect(app), spec=self._spec)

    async def check_health(self) -> None:
        """Ends this process when the engine is dead, so that Serve replaces the replica at once.

        Serve would wait for three failed checks in a row; until then each request would get an error.
        """
        if self._server is None:
            return
        try:
            await self._server.check_health()
        except Exception:
            logger.exception("the engine is dead, this replica ends")
            os._exit(1)


def engine_class(spec: ModelSpec) -> Any:
    """Ray's vLLM engine; on one CPU worker it runs inside the engine's own process.

    vLLM would start a second process for it, which imports everything once more: twenty seconds and 0.7 GiB.
    """
    from ray.llm._internal.serve.engines.vllm.vllm_engine import VLLMEngine

    if spec.resources.gpus:
        return VLLMEngine

    class OneProcessEngine(VLLMEngine):  # type: ignore[misc]
        def _start_async_llm_engine(self, vllm_engine_args: Any, vllm_engine_config: Any, *rest: Any) -> Any:
            vllm_engine_config.parallel_config.distributed_executor_backend = "uni"
            return super()._start_async_llm_engine(vllm_engine_args, vllm_engine_config, *rest)

    return OneProcessEngine


def llm_config(spec: ModelSpec, weights: str) -> Any:
    """The spec as `ray.serve.llm` wants it."""
    from ray.serve.llm import LLMConfig

    gpus = spec.resources.gpus
    return LLMConfig(
        model_loading_config={"model_id": spec.name, "model_source": weights},
        engine_kwargs=engine_kwargs(spec),
        accelerator_config={"kind": "gpu" if gpus else "cpu"},
        accelerator_type=spec.resources.accelerator_type if gpus else None,
        placement_group_config={"bundles": bundles(spec)},
        # Ray's metrics agent would take vLLM's metrics over; see README.
        log_engine_metrics=False,
    )


def bundles(spec: ModelSpec) -> list[dict[str, float]]:
    """What one replica takes: the first bundle holds its process, each bundle one GPU (or a share of one)."""
    resources = spec.resources
    first: dict[str, float] = {"CPU": resources.cpus}
    if resources.memory_gib:
        first["memory"] = resources.memory_gib * 1024**3
    if not resources.gpus:
        return [first]
    share = min(resources.gpus, 1.0)
    return [{**first, "GPU": share}, *({"GPU": share} for _ in range(int(resources.gpus) - 1))]


async def warm(app: Application, model: str) -> None:
    """Ask for one token before anybody else does, so that the first person does not wait for lazy set-up.

    Raises RuntimeError when the engine does not answer: a replica that cannot speak is not ready.
    """
    body = orjson.dumps({"model": model, "prompt": "Hello", "max_tokens": 1})
    sent: list[Message] = []
    received = False

    async def receive() -> Message:
        nonlocal received
        if received:
            return {"type": "http.disconnect"}
        received = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/completions",
        "raw_path": b"/v1/completions",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
        "state": {},
    }
    await app(scope, receive, send)
    if not sent or sent[0].get("status") != 200:
        said = b"".join(message.get("body", b"") for message in sent)[:300].decode(errors="replace")
        raise RuntimeError(f"The engine started but could not answer: {said or 'no answer'}")


deployment_class = ray_serve.ingress()(VllmReplica)
