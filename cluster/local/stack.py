"""Every service of the embedded mode: what it runs, what it gets, what it waits for, how it is stopped."""

import os
import sys
from collections.abc import Mapping

from cluster.local import broker, ports, postgres, valkey
from cluster.local.directory import REPOSITORY, VarDirectory
from cluster.local.plan import Plan
from cluster.local.ports import LOOPBACK
from cluster.local.probes import HttpProbe, Probe
from cluster.local.secrets import Secrets, load_or_create
from cluster.local.service import Service

LISTEN_VARIABLE = "HEADRACE_LISTEN_FD"

# What the person's own environment must not decide: where our servers are, how Python and Ray find things.
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "SERVE_URL",
    "HEADRACE_INSTANCE",
    "HEADRACE_SERVICE",
    LISTEN_VARIABLE,
    "PYTHONHOME",
    "PYTHONPATH",
    "RAY_ADDRESS",
)


def gateways(plan: Plan) -> list[str]:
    """The names of the gateway processes."""
    return [f"gateway-{number}" for number in range(1, plan.gateways + 1)]


def metrics_of(service: str) -> str:
    """The name of the port on which a process tells of itself."""
    return f"{service}-metrics"


def port_names(plan: Plan) -> list[str]:
    """Every port of an instance that is chosen free, apart from the page's."""
    told = [metrics_of(name) for name in (*gateways(plan), "worker")]
    return ["postgres", "valkey", "broker", "serve", *told]


def services(plan: Plan, var: VarDirectory, listener: int | None = None) -> list[Service]:
    """The services of one instance. Makes secrets, chooses ports and makes the database folder on the way.

    Args:
        listener: the file descriptor of the socket on which the gateways listen, where it is open.

    Raises ClusterError with the reason when one of these cannot be done.
    """
    secrets = load_or_create(var.secrets)
    chosen = ports.choose(port_names(plan), var.run / "ports.json")
    shared = _shared(plan, var, secrets, chosen)
    data = {**shared, **_data(secrets, chosen)}
    return [
        postgres.service(var, chosen["postgres"], secrets),
        valkey.service(var, chosen["valkey"], secrets),
        broker.service(var, chosen["broker"]),
        _python(
            "migrate",
            ("cluster.local.prepare_database", str(secrets.local_api_key_file)),
            var,
            data,
            after=("postgres", "valkey"),
            task=True,
        ),
        _ray(var, shared, secrets, chosen["serve"]),
        *(_gateway(name, plan, var, data, chosen[metrics_of(name)], listener) for name in gateways(plan)),
        _python(
            "worker",
            ("gateway.worker",),
            var,
            {**data, "HEADRACE_METRICS_PORT": str(chosen["worker-metrics"])},
            after=("migrate", "valkey", "broker"),
            probe=HttpProbe(chosen["worker-metrics"], "/healthz"),
            port=chosen["worker-metrics"],
        ),
    ]


def command_line_environment(plan: Plan, var: VarDirectory) -> dict[str, str]:
    """What a command needs in its environment to work on a running instance."""
    secrets = load_or_create(var.secrets)
    chosen = ports.remembered(port_names(plan), var.run / "ports.json")
    return {**_shared(plan, var, secrets, chosen), **_data(secrets, chosen)}


def _data(secrets: Secrets, chosen: Mapping[str, int]) -> dict[str, str]:
    """Where the database, the cache and the broker are."""
    return {
        "DATABASE_URL": postgres.address(chosen["postgres"], secrets),
        "REDIS_URL": valkey.address(chosen["valkey"], secrets),
        "KAFKA_BOOTSTRAP_SERVERS": broker.address(chosen["broker"]),
        "KAFKA_ENABLE_IDEMPOTENCE": "false",
    }


def _shared(plan: Plan, var: VarDirectory, secrets: Secrets, chosen: Mapping[str, int]) -> dict[str, str]:
    """What every process of ours gets; the person's own HEADRACE_ settings stay."""
    return {
        **{name: value for name, value in os.environ.items() if name not in OURS},
        # Ray's workers start elsewhere and must find our packages too.
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "SERVE_URL": f"http://{LOOPBACK}:{chosen['serve']}",
        "HEADRACE_MODE": "embedded",
        "HEADRACE_HOST": LOOPBACK,
        "HEADRACE_PORT": str(plan.port),
        "HEADRACE_PUBLIC_URL": plan.url,
        "HEADRACE_VAR_DIR": str(var.root),
        "HEADRACE_STATIC_DIR": str(var.page),
        "HEADRACE_MODELS": ",".join(plan.models),
        "HEADRACE_INTERNAL_TOKEN": secrets.internal_token,
        "HEADRACE_SIGNING_KEY_FILE": str(secrets.signing_key_file),
        # Everything has to be down within 30 s; Ray's turn comes after the gateways'. Nobody has to learn
        # that one of them leaves, because the others take what comes to the same socket.
        "HEADRACE_DRAIN_GRACE": "0.5",
        "HEADRACE_DRAIN_TIMEOUT": "3",
    }


def _gateway(
    name: str, plan: Plan, var: VarDirectory, data: Mapping[str, str], metrics: int, listener: int | None
) -> Service:
    """One of the processes that share the page's port.

    They accept from one socket that is the supervisor's: a connection that waits there is lost with none of
    them, and one that comes while all are away is answered by the first that is back.
    """
    env = {**data, "HEADRACE_METRICS_PORT": str(metrics)}
    if listener is not None:
        env[LISTEN_VARIABLE] = str(listener)
    return _python(
        name,
        ("gateway",),
        var,
        env,
        after=("migrate", "valkey", "broker"),
        probe=HttpProbe(metrics, "/healthz"),
        port=plan.port,
        inherits=() if listener is None else (listener,),
    )


def _python(
    name: str,
    module: tuple[str, ...],
    var: VarDirectory,
    env: Mapping[str, str],
    *,
    after: tuple[str, ...],
    probe: Probe | None = None,
    port: int | None = None,
    inherits: tuple[int, ...] = (),
    task: bool = False,
) -> Service:
    return Service(
        name=name,
        argv=(sys.executable, "-m", *module),
        env=env,
        cwd=REPOSITORY,
        log=var.logs / f"{name}.log",
        probe=probe,
        port=port,
        after=after,
        grace=7.0,
        stop_wave=2,
        start_deadline=120.0,
        inherits=inherits,
        task=task,
    )


def _ray(var: VarDirectory, shared: Mapping[str, str], secrets: Secrets, port: int) -> Service:
    bearer = {"Authorization": f"Bearer {secrets.internal_token}"}
    return Service(
        name="ray",
        argv=(sys.executable, "-m", "serve.node"),
        # It neither needs nor gets the addresses of the database, the cache and the broker.
        env={**shared, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.ray_token},
        cwd=REPOSITORY,
        log=var.logs / "ray.log",
        probe=HttpProbe(port, "/control/apps", bearer, timeout=5.0),
        port=port,
        grace=14.0,
        stop_wave=1,
        start_deadline=180.0,
    )
