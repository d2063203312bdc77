"""The bundled model without Headrace: vLLM's own server, and `ray.serve.llm` with its Python ingress.

Both get the same weights and the same engine arguments, and run the model's one worker inside the engine's
process, as Headrace does on a CPU.
"""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.calls import call
from benchmarks.process import REPOSITORY, Process
from benchmarks.stack import Target
from cluster.local import ports
from models.spec import ModelSpec
from serve.vllm_arguments import engine_kwargs

READY_SECONDS: Final = 300.0
PATH: Final = "/v1/chat/completions"


def environment() -> dict[str, str]:
    """What an engine on this machine's CPU finds, the same as in Headrace."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "VLLM_HOST_IP": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": "lo",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "OMP_NUM_THREADS": str(max((os.cpu_count() or 2) - 1, 1)),
        "VLLM_NO_USAGE_STATS": "1",
        # On a slow machine sixteen first answers take longer than the usual five seconds.
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "NO_PROXY": "127.0.0.1,localhost",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_enable_metrics_collection": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }


def start_bare(spec: ModelSpec, weights: Path, log: Path) -> tuple[Process, Target]:
    """vLLM's own server."""
    port = ports.free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--model", str(weights)]
    arguments += ["--served-model-name", spec.name, "--distributed-executor-backend", "uni"]
    # It would write a line for each request, which Headrace does not.
    arguments += ["--disable-uvicorn-access-log", *as_options(engine_kwargs(spec))]
    process = Process(
        "vLLM's own server",
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *arguments],
        log=log,
        env=environment(),
    )
    process.wait_until(lambda: call(port, "GET", "/health")[0] == 200, READY_SECONDS)
    return process, Target("bare vLLM", port, PATH, "none", process.pid, exact=False)


def start_ray(
    spec: ModelSpec, weights: Path, log: Path, *, name: str = "ray.serve.llm", router: str | None = None
) -> tuple[Process, Target]:
    """`ray.serve.llm` through its Python ingress, on a Ray of its own, with that router of Ray's."""
    port = ports.free_port()
    process = Process(
        "ray.serve.llm",
        [
            sys.executable,
            "-m",
            "serve.stock_ingress",
            *("--port", str(port), "--weights", str(weights), "--spec", spec.model_dump_json()),
            *(("--router", router) if router is not None else ()),
        ],
        log=log,
        env=environment(),
    )
    process.wait_until(lambda: call(port, "GET", "/v1/models")[0] == 200, READY_SECONDS)
    return process, Target(name, port, PATH, "none", process.pid, exact=False)


def as_options(arguments: dict[str, Any]) -> list[str]:
    """Engine arguments as vLLM's command line takes them."""
    options = []
    for name, value in arguments.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            options.append(flag)
        elif value is False:
            options.append("--no-" + flag.removeprefix("--"))
        else:
            options += [flag, json.dumps(value) if isinstance(value, dict | list) else str(value)]
    return options
