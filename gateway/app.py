"""create_app(): routers, middleware and lifespan of the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from auth.router import router as auth_router
from auth.router import well_known_router
from core.errors import NotFound
from gateway import health, problems
from gateway.admin.endpoints import router as admin_router
from gateway.chat.endpoints import router as chat_router
from gateway.conversations.endpoints import router as conversations_router
from gateway.envelope import Envelope
from gateway.error_docs import error_docs
from gateway.events.endpoints import router as events_router
from gateway.house import House
from gateway.openai_api.body import ChatHead, CompletionHead
from gateway.openai_api.models import ModelRoutes
from gateway.openai_api.relay import CompletionRelay
from gateway.routing.endpoints import router as models_router
from gateway.usage.endpoints import router as usage_router
from gateway.web import Page


def create_app(house: House) -> ASGIApp:
    """The gateway as an ASGI application; its lifespan starts and stops `house`."""
    page = Page(house.settings.static_dir)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await house.start()
        await page.start()
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
        # A body that is not said to be JSON is not read as JSON.
        strict_content_type=True,
    )
    app.state.house = house
    app.state.auth = house.auth
    problems.install(app)

    models = ModelRoutes(house.openai)
    # First, because routes are tried in order and these are the busiest.
    app.router.routes.extend(
        [
            Route(
                "/v1/chat/completions",
                CompletionRelay(house.openai, "/v1/chat/completions", ChatHead),
                methods=["POST"],
            ),
            Route(
                "/v1/completions",
                CompletionRelay(house.openai, "/v1/completions", CompletionHead),
                methods=["POST"],
            ),
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
        chat_router,
        models_router,
        events_router,
        usage_router,
        admin_router,
    ):
        api.include_router(router)
    app.include_router(api)
    # Whatever is under these and was not found is an error of the API, not a page.
    app.router.routes.extend([Mount("/api", _missing), Mount("/v1", _missing), Mount("/", page)])
    return Envelope(
        app,
        max_body_bytes=house.settings.max_body_bytes,
        https=house.settings.public_url.startswith("https://"),
    )


async def _missing(_: Scope, __: Receive, ___: Send) -> None:
    raise NotFound
