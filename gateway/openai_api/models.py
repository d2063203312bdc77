"""`GET /v1/models` and `/v1/models/{id}`."""

from collections.abc import Callable

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from auth.dependencies import require_inference
from auth.principal import Principal, may_ask
from core.errors import HeadraceError, ModelNotFound
from gateway.openai_api import errors
from gateway.openai_api.services import OpenAIServices
from gateway.routing.table import Route


class ModelRoutes:
    """The models that can be asked now, in OpenAI's shape."""

    def __init__(self, services: OpenAIServices) -> None:
        self._services = services

    async def list(self, request: HttpRequest) -> Response:
        """Every ready model that the credential may ask."""

        def answer(principal: Principal) -> object:
            return {
                "object": "list",
                "data": [
                    _model(route)
                    for route in self._services.routes.routes()
                    if route.target and may_ask(principal, route.name)
                ],
            }

        return await self._answer(request, answer)

    async def one(self, request: HttpRequest) -> Response:
        """One model, ready or not; 404 for an unknown one."""

        def answer(principal: Principal) -> object:
            name = request.path_params["model"]
            for route in self._services.routes.routes():
                if route.name == name and may_ask(principal, name):
                    return _model(route)
            raise ModelNotFound(f"There is no model named {name[:80]!r} here.", param="model")

        return await self._answer(request, answer)

    async def _answer(self, request: HttpRequest, answer: Callable[[Principal], object]) -> Response:
        try:
            principal = await self._services.auth.authenticate_bearer(request.headers.get("authorization"))
            require_inference(principal)
            return Response(orjson.dumps(answer(principal)), media_type="application/json")
        except HeadraceError as error:
            response = Response(errors.envelope(error), status_code=error.status)
            response.raw_headers.extend(errors.headers(error))
            return response


def _model(route: Route) -> dict[str, object]:
    return {
        "id": route.name,
        "object": "model",
        "created": int(route.row.created_at.timestamp()),
        "owned_by": "headrace",
    }
