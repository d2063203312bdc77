"""The engine behind the measured processes: the simulated one, in a process without Ray.

`python -m benchmarks.simulated_engine --port 9000`. Like `python -m serve.simulated`, with two differences:

- it also answers the calls of the gateway's reconciler under `/control`, so that the gateway finds its model
  ready at the same address and nothing stands between the two;
- every chunk of a stream is written to the network by itself, as engines do that make one token after the
  other. Without this a burst would reach the measured process in large pieces, which cost it less.
"""

import argparse
import asyncio
import hmac
import os

import orjson
import uvicorn

from benchmarks.scenarios import MODEL, REVISION
from serve.guard import Application, Guard, Message, Receive, Scope, Send
from serve.simulated import SimulatedEngine
from serve.simulated_request import Pace
from serve.standalone import SIMULATED_ROUTES, below_prefix

# Long enough for a prompt of 100 KB, whatever its tokens are.
CONTEXT_WINDOW = 1_000_000
OUTPUT_TOKENS = 4_096
CONTROL = "/control/apps"


def written_singly(app: Application) -> Application:
    """The app, with a pause for the event loop after each chunk, in which it goes out."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_singly(message: Message) -> None:
            await send(message)
            if message.get("more_body"):
                await asyncio.sleep(0)

        await app(scope, receive, send_singly)

    return wrapped


def with_control(app: Application, token: str) -> Application:
    """The app, and in front of it a control that calls the one model ready and accepts every order."""
    expected = b"Bearer " + token.encode()
    apps = orjson.dumps(
        {"apps": [{"model": MODEL, "revision": REVISION, "state": "ready", "message": "", "replicas": 1}]}
    )

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CONTROL):
            await app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, expected):
            status, body = 401, b"{}"
        elif scope["method"] == "GET":
            status, body = 200, apps
        else:
            status, body = 202, b'{"state":"ready"}'
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return wrapped


def main() -> None:
    """Listen on loopback until told to stop. The token comes from HEADRACE_INTERNAL_TOKEN."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated_engine")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ttft-ms", type=float, default=0.0)
    parser.add_argument("--token-ms", type=float, default=0.0)
    options = parser.parse_args()
    token = os.environ["HEADRACE_INTERNAL_TOKEN"]
    engine = SimulatedEngine(
        model=MODEL,
        window=CONTEXT_WINDOW,
        limit=OUTPUT_TOKENS,
        pace=Pace(options.ttft_ms, options.token_ms),
    )
    guarded = Guard(written_singly(engine), token, "benchmark", SIMULATED_ROUTES)
    uvicorn.run(
        with_control(below_prefix(guarded), token),
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
