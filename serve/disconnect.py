"""Let an engine notice by itself that its caller left, before it is cancelled.

Serve cancels a request's task the moment the caller hangs up. vLLM's handler of an answer that is not
streamed waits for its own work and for the disconnect with `asyncio.wait`; cancelled there, it leaves its
work running, and the engine goes on to the last token for nobody.
"""

import asyncio

from serve.guard import Application, Receive, Scope, Send

# What vLLM needs is one turn of the event loop; streams, which do not listen, are cancelled after this.
GRACE_S = 0.3


class HearsDisconnect:
    """Runs the application in a task of its own that outlives a cancellation by moments only."""

    def __init__(self, app: Application, grace_s: float = GRACE_S) -> None:
        self._app, self._grace_s = app, grace_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        task = asyncio.ensure_future(self._app(scope, receive, send))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                await asyncio.wait({task}, timeout=self._grace_s)
            task.cancel()
            # Its end is awaited, so that nothing of it is left when the request is over.
            await asyncio.wait({task}, timeout=self._grace_s)
            raise
