"""LiteLLM's proxy as a neighbour: in a virtual environment of its own, with a master key and no database."""

import os
import secrets
import subprocess
from pathlib import Path

import yaml

from benchmarks.calls import call
from benchmarks.errors import BenchmarkFailed
from benchmarks.process import Process
from benchmarks.scenarios import MODEL
from benchmarks.stack import Stack, Target
from cluster import bench_environment, bootstrap
from cluster.local import ports

READY_SECONDS = 120.0
NAME = "litellm"
# At 128 paced streams it did not answer within the client's 60 s; at 16 it already has a core for itself.
MOST_CONNECTIONS = 16


def install() -> Path:
    """The folder of the peer's programs; installed from the hashed lock where that is missing or has changed.

    Raises BenchmarkFailed with a sentence that says what to do.
    """
    try:
        bench_environment.prepare()
    except bootstrap.BootstrapError as error:
        raise BenchmarkFailed(str(error)) from error
    return bench_environment.ENVIRONMENT / "bin"


def start(stack: Stack, programs: Path) -> Target:
    """The proxy, in front of the same engine, on the core that the gateway has too."""
    port = ports.free_port()
    key = f"sk-{secrets.token_hex(24)}"
    config = stack.directory / "litellm.yaml"
    # The key is in the file: the folder is ours alone, and removed at the end.
    config.touch(mode=0o600)
    config.write_text(yaml.safe_dump(_config(stack, key)))
    process = stack.open(
        Process(
            "LiteLLM",
            [
                str(programs / "litellm"),
                "--config",
                str(config),
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--num_workers",
                "1",
            ],
            log=stack.log(NAME),
            env=_environment(programs),
            cores=stack.cores.measured if stack.cores else None,
        )
    )
    process.wait_until(lambda: call(port, "GET", "/health/liveliness")[0] == 200, READY_SECONDS)
    return Target(NAME, port, "/v1/chat/completions", key, process.pid, exact=False, most=MOST_CONNECTIONS)


def version(programs: Path) -> str:
    """Which LiteLLM it is."""
    found = subprocess.run(
        [
            str(programs / "python"),
            "-c",
            "from importlib.metadata import version; print(version('litellm'))",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return found.stdout.strip()


def _config(stack: Stack, key: str) -> dict[str, object]:
    base = stack.direct.path.removesuffix("/chat/completions")
    return {
        "model_list": [
            {
                "model_name": MODEL,
                "litellm_params": {
                    "model": f"openai/{MODEL}",
                    "api_base": f"http://127.0.0.1:{stack.direct.port}{base}",
                    "api_key": stack.direct.token,
                },
            }
        ],
        "general_settings": {"master_key": key},
        "litellm_settings": {"telemetry": False},
    }


def _environment(programs: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PATH": f"{programs}:{os.environ.get('PATH', '')}",
        # Its table of prices is otherwise fetched from the network at each start.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "NO_PROXY": "127.0.0.1,localhost",
    }
