"""The simulated engine as a Serve deployment."""

from ray import serve as ray_serve

from models.spec import ModelSpec, Simulated
from serve.guard import Application
from serve.replica import CountedReplica, guarded
from serve.simulated import SimulatedEngine
from serve.simulated_request import Pace
from serve.standalone import SIMULATED_ROUTES


class SimulatedReplica(CountedReplica):
    """One simulated engine."""

    def __init__(self, spec_json: str) -> None:
        self._spec = ModelSpec.model_validate_json(spec_json)

    async def __serve_build_asgi_app__(self) -> Application:
        spec = self._spec
        pace = spec.simulated or Simulated()
        engine = SimulatedEngine(
            model=spec.name,
            window=spec.context_window,
            limit=spec.max_output_tokens,
            pace=Pace(pace.ttft_ms, pace.token_ms),
            seed=pace.seed,
        )
        return guarded(engine, SIMULATED_ROUTES, spec=spec)


deployment_class = ray_serve.ingress()(SimulatedReplica)
