"""A listener of its own for what is not public: metrics, and the health of processes without an API."""

import asyncio
from collections.abc import Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.readiness import ReadinessChecks


class InternalListener:
    """`/metrics`, `/healthz` and `/readyz` on an internal address; port 0 turns it off."""

    def __init__(self, host: str, port: int, readiness: ReadinessChecks) -> None:
        self._host = host
        self._port = port
        self._readiness = readiness
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        if self._port == 0:
            return
        app = web.Application(client_max_size=1024)
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await asyncio.wait_for(runner.cleanup(), 5)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def _healthz(self, _: web.Request) -> web.Response:
        serving = self._readiness.serving
        return _json({"status": "ok" if serving else "starting"}, 200 if serving else 503)

    async def _readyz(self, _: web.Request) -> web.Response:
        well, report = await self._readiness.look()
        return _json(report, 200 if well else 503)


def _json(body: Mapping[str, object], status: int) -> web.Response:
    return web.json_response(dict(body), status=status)
