"""`ray.serve.llm` as its documentation has it: `build_openai_app` puts a Python ingress before the engine.

Headrace does not use it: `./headrace bench engine` measures beside it.
`python -m serve.stock_ingress --port 9000 --weights FOLDER --spec JSON` ends on SIGTERM.
"""

import argparse
import shutil
import signal
import tempfile
import threading
from pathlib import Path

import ray
from ray import serve
from ray.llm._internal.serve.core.server.llm_server import LLMServer
from ray.serve.config import RequestRouterConfig
from ray.serve.llm import build_openai_app

from models.spec import ModelSpec
from serve.llm_server import engine_class, llm_config

# An LLM replica takes two and its ingress one; they are Ray's logical ones.
CPUS = 8
ROUTERS = {
    "prefix": "ray.serve.llm.request_router.PrefixCacheAffinityRouter",
    "round-robin": "ray.serve.experimental.round_robin_router.RoundRobinRouter",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m serve.stock_ingress")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--spec", required=True)
    parser.add_argument("--router", choices=ROUTERS, help="which of Ray's routers; left out: Ray's default")
    options = parser.parse_args()
    spec = ModelSpec.model_validate_json(options.spec)

    class Server(LLMServer):  # type: ignore[misc]
        """Ray's own, with its worker in the engine's process."""

        _default_engine_cls = engine_class(spec)

    over = threading.Event()
    # Unix sockets have short paths.
    folder = Path(tempfile.mkdtemp(prefix="hr-ray-"))
    try:
        ray.init(num_cpus=CPUS, include_dashboard=False, log_to_driver=False, _temp_dir=str(folder))
        signal.signal(signal.SIGTERM, lambda *_: over.set())
        serve.start(http_options={"host": "127.0.0.1", "port": options.port})
        config = llm_config(spec, options.weights).model_copy(update={"server_cls": Server})
        config.deployment_config = {"num_replicas": spec.replicas.min}
        if options.router is not None:
            chosen = RequestRouterConfig(request_router_class=ROUTERS[options.router])
            config.deployment_config["request_router_config"] = chosen
        serve.run(build_openai_app({"llm_configs": [config]}), blocking=False)
        over.wait()
        serve.shutdown()
        ray.shutdown()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
