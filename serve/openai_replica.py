"""The route to somebody else's service as a Serve deployment."""

import os

from ray import serve as ray_serve

from models.spec import ModelSpec
from serve.guard import Application
from serve.openai_route import UpstreamRoute
from serve.replica import CountedReplica, guarded


class OpenAIReplica(CountedReplica):
    """One relay. The key is read from this machine's environment when the replica starts."""

    def __init__(self, spec_json: str) -> None:
        self._spec = ModelSpec.model_validate_json(spec_json)

    async def __serve_build_asgi_app__(self) -> Application:
        route = UpstreamRoute.from_spec(self._spec, os.environ)
        return guarded(route, spec=self._spec)


deployment_class = ray_serve.ingress()(OpenAIReplica)
