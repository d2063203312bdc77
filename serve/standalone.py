"""The simulated engine as a process of its own, behind the same guard and paths as in Serve."""

import argparse
import os
import re

import uvicorn

from serve.guard import ENGINE_ROUTES, Application, Guard, Receive, Scope, Send
from serve.simulated import SimulatedEngine
from serve.simulated_request import Pace

SIMULATED_ROUTES = ENGINE_ROUTES - {("POST", "/v1/embeddings")} | {("GET", "/stats")}
_PREFIX = re.compile(r"/m/[^/]+/[^/]+(?=/)")


def main(arguments: list[str] | None = None) -> None:
    """Listen until told to stop. The token comes from HEADRACE_INTERNAL_TOKEN; without it nobody is asked."""
    parser = argparse.ArgumentParser(prog="python -m serve.simulated", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--model", default="simulated", help="the name it answers to")
    parser.add_argument("--ttft-ms", type=float, default=0.0)
    parser.add_argument("--token-ms", type=float, default=0.0)
    parser.add_argument("--context-window", type=int, default=8192)
    parser.add_argument("--max-output-tokens", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    engine: Application = SimulatedEngine(
        model=options.model,
        window=options.context_window,
        limit=options.max_output_tokens,
        pace=Pace(options.ttft_ms, options.token_ms),
        seed=options.seed,
    )
    token = os.environ.get("HEADRACE_INTERNAL_TOKEN", "")
    if token:
        engine = Guard(engine, token, f"simulated-{os.getpid()}", SIMULATED_ROUTES)
    uvicorn.run(
        below_prefix(engine),
        host=options.host,
        port=options.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


def below_prefix(app: Application) -> Application:
    """The app, also under `/m/<model>/<revision>`, as Serve's route prefix would have it."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (found := _PREFIX.match(scope["path"])):
            scope = {**scope, "root_path": found.group()}
        await app(scope, receive, send)

    return routed
