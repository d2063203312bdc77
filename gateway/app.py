"""create_app(): routers, middleware and lifespan of the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from auth.router import router as auth_router
from auth.router import well_known_router
from core.errors import NotFound
from gateway import health, problems
from gateway.account.endpoints import router as account_router
from gateway.admin.endpoints import router as admin_router
from gateway.branches import Branches
from gateway.chat.endpoints import router as chat_router
from gateway.comparisons.endpoints import router as comparisons_router
from gateway.conversations.endpoints import router as conversations_router
from gateway.conversations.exporting.endpoints import router as exporting_router
from gateway.conversations.search.endpoints import router as search_router
from gateway.conversations.sharing.endpoints import router as sharing_router
from gateway.conversations.summaries.endpoints import router as summaries_router
from gateway.deployments.endpoints import router as deployments_router
from gateway.envelope import Envelope, is_page
from gateway.error_docs import error_docs
from gateway.evaluations.endpoints import router as evaluations_router
from gateway.events.endpoints import router as events_router
from gateway.house import House
from gateway.jobs.endpoints import router as jobs_router
from gateway.openai_api.body import CompletionHead
from gateway.openai_api.models import ModelRoutes
from gateway.openai_api.relay import CompletionRelay
from gateway.prompts.endpoints import router as prompts_router
from gateway.routing.endpoints import router as models_router
from gateway.shadows.endpoints import router as shadows_router
from gateway.shortcut import Shortcut
from gateway.usage.endpoints import router as usage_router
from gateway.web import Page


def create_app(house: House) -> Envelope:
    """The gateway as an ASGI application; its lifespan starts and stops `house`."""
    page = Page(house.settings.static_dir)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await house.start()
        await page.start()
        house.readiness.serve()
        try:
            yield
        finally:
            await house.stop()

    app = FastAPI(
        title="Headrace",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
        # A body that is not said to be JSON is not read as JSON.
        strict_content_type=True,
    )
    app.state.house = house
    app.state.auth = house.auth
    problems.install(app)

    models = ModelRoutes(house.openai)
    relays: dict[str, ASGIApp] = {
        "/v1/chat/completions": house.chat_relay,
        "/v1/completions": CompletionRelay(house.openai, "/v1/completions", CompletionHead),
    }
    # Here too, so that the router knows which methods they have.
    app.router.routes.extend(
        [
            *(Route(path, relay, methods=["POST"]) for path, relay in relays.items()),
            Route("/v1/models", models.list, methods=["GET"]),
            Route("/v1/models/{model:path}", models.one, methods=["GET"]),
        ]
    )
    app.router.routes.append(Route("/docs/errors", error_docs, methods=["GET"]))
    app.include_router(health.router)
    app.include_router(well_known_router)
    api = APIRouter(prefix="/api")
    for router in (
        auth_router,
        conversations_router,
        search_router,
        exporting_router,
        sharing_router,
        prompts_router,
        summaries_router,
        chat_router,
        jobs_router,
        models_router,
        events_router,
        usage_router,
        admin_router,
        deployments_router,
        comparisons_router,
        shadows_router,
        evaluations_router,
        account_router,
    ):
        api.include_router(router)
    app.include_router(api)
    _index_routes(app)
    # Not a mount: a mount at "/" matches everything, and a wrong method would be called not found.
    app.router.default = _Otherwise(page)
    return Envelope(
        Shortcut(app, relays),
        max_body_bytes=house.settings.max_body_bytes,
        https=house.settings.public_url.startswith("https://"),
    )


def _index_routes(app: FastAPI) -> None:
    """Let requests find their route by branches; the description is still made of the single routes."""
    routes = app.router.routes[:]
    app.router.routes[:] = [Branches(routes)]

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(title=app.title, version=app.version, routes=routes)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


class _Otherwise:
    """Whatever no route matches: an error of the API under its addresses, a file of the page elsewhere."""

    def __init__(self, page: ASGIApp) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        elif is_page(scope["path"]):
            await self._page(scope, receive, send)
        else:
            raise NotFound
