"""ModelSpec -> Serve application: the only wiring."""

from pathlib import Path
from typing import Any

from ray import serve as ray_serve

from models.spec import ModelSpec
from serve.backlog import ByBacklog
from serve.environment import DEREGISTER_S

SEPARATOR = "--"
DEPLOYMENT = "engine"
# A constructor that fails fails again; Serve would try twenty times.
_START_ATTEMPTS = 2


def application_name(model: str, revision: str) -> str:
    """One application per revision, so that a revision comes and goes without touching another."""
    return f"{model}{SEPARATOR}{revision}"


def route_prefix(model: str, revision: str) -> str:
    """Where HAProxy sends requests for the revision."""
    return f"/m/{model}/{revision}"


def build(spec: ModelSpec, weights: Path | None) -> ray_serve.Application:
    """The application of one revision. `weights` is a ready folder where the engine needs one.

    No engine is imported here. Requests go straight from HAProxy to the replica's own HTTP server (Serve's
    late-bound ingress); HAProxy picks the replica with the fewest connections.
    """
    if spec.engine == "vllm":
        from serve.llm_server import bundles, deployment_class

        if weights is None:
            raise ValueError(f"{spec.name} has no weights")
        options = _options(spec, {"num_cpus": spec.resources.cpus})
        options["placement_group_bundles"] = bundles(spec)
        options["placement_group_strategy"] = "PACK"
        return ray_serve.deployment(deployment_class, **options).bind(spec.model_dump_json(), str(weights))
    resources: dict[str, Any] = {"num_cpus": spec.resources.cpus}
    if spec.resources.memory_gib:
        resources["memory"] = int(spec.resources.memory_gib * 1024**3)
    if spec.resources.gpus:
        resources["num_gpus"] = spec.resources.gpus
    if spec.resources.accelerator_type is not None:
        resources["accelerator_type"] = spec.resources.accelerator_type
    if spec.engine == "simulated":
        from serve.simulated_replica import deployment_class
    else:
        from serve.openai_replica import deployment_class
    return ray_serve.deployment(deployment_class, **_options(spec, resources)).bind(spec.model_dump_json())


def _options(spec: ModelSpec, actor: dict[str, Any]) -> dict[str, Any]:
    replicas = spec.replicas
    options: dict[str, Any] = {
        "name": DEPLOYMENT,
        "ray_actor_options": actor,
        "max_ongoing_requests": replicas.max_ongoing_requests,
        # As many may wait as may run; whoever comes after that is told to come back.
        "max_queued_requests": replicas.max_ongoing_requests,
        "graceful_shutdown_timeout_s": replicas.drain_timeout_s + DEREGISTER_S,
        "graceful_shutdown_wait_loop_s": 0.5,
        "health_check_period_s": 2,
        "health_check_timeout_s": 30,
        "max_constructor_retry_count": _START_ATTEMPTS,
        "logging_config": {"enable_access_log": False},
    }
    if replicas.min == replicas.max:
        options["num_replicas"] = replicas.min
    else:
        options["autoscaling_config"] = {
            "min_replicas": replicas.min,
            "max_replicas": replicas.max,
            "target_ongoing_requests": replicas.target_ongoing_requests,
            "upscale_delay_s": replicas.upscale_delay_s,
            "downscale_delay_s": replicas.downscale_delay_s,
        }
        if replicas.target_backlog_tokens is not None:
            options["autoscaling_config"]["policy"] = {
                "policy_function": ByBacklog,
                "policy_kwargs": {"tokens": replicas.target_backlog_tokens},
            }
    return options
