"""The command line: what can be asked for. What it does is in `cluster/commands/`."""

import sys
from typing import Annotated

import typer

from cluster.cli_models import models
from cluster.local.errors import ClusterError

app = typer.Typer(
    name="headrace",
    help="Headrace: everything between people and the engines, on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench = typer.Typer(help="Measurements.", no_args_is_help=True)
drill = typer.Typer(help="Faults on purpose.", no_args_is_help=True)
users = typer.Typer(help="Accounts.", no_args_is_help=True)
app.add_typer(bench, name="bench")
app.add_typer(drill, name="drill")
audit = typer.Typer(help="The audit log.", no_args_is_help=True)
keys = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)
app.add_typer(users, name="users")
app.add_typer(models, name="models")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")


@app.command()
def up(
    engine: Annotated[
        str | None,
        typer.Option(help="`simulated`: no vLLM, only the model of that name; `vllm`: the bundled one."),
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="Serve this model; may be given again.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the page is, on loopback. [default: 8080]")
    ] = None,
    gateways: Annotated[
        int | None,
        typer.Option(min=1, max=16, help="Gateway processes that share the port. [default: 2]"),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when all is ready.")] = False,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Use the requirements with CUDA; engines may use GPUs.")
    ] = False,
) -> None:
    """Install what is missing, start everything, and say where the page is."""
    from cluster.commands.up import up

    up(
        engine=engine,
        models=tuple(model or ()),
        port=port,
        gateways=gateways,
        detach=detach,
        gpu=gpu,
    )


@app.command()
def down() -> None:
    """End every process of this instance; the data stays."""
    from cluster.commands.down import down

    down()


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Each service's state, process, port, memory and since when."""
    from cluster.commands.status import status

    status(as_json=as_json)


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="One service; all of them without it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they are written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many from the end.")] = 50,
) -> None:
    """What the services wrote."""
    from cluster.commands.logs import logs

    logs(service, follow=follow, count=lines)


@app.command()
def doctor() -> None:
    """Every prerequisite and dependency: what is wrong, and what to do."""
    from cluster.commands.doctor import doctor

    raise typer.Exit(doctor())


@app.command()
def test(
    only: Annotated[list[str] | None, typer.Option(help="Run this step; may be given again.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="No real engine and no browser.")] = False,
    list_steps: Annotated[bool, typer.Option("--list", help="Show the steps and end.")] = False,
) -> None:
    """Every check: linters, types, tests of every kind, and the browser."""
    from cluster.commands.test import test

    raise typer.Exit(test(only=tuple(only or ()), fast=fast, list_steps=list_steps))


@bench.command(
    "overhead",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bench_overhead(context: typer.Context) -> None:
    """What the gateway costs: direct and through it, side by side; --peer litellm beside both."""
    from cluster.commands.bench import overhead

    raise typer.Exit(overhead(context.args))


@bench.command(
    "auth",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bench_auth(context: typer.Context) -> None:
    """What signing in, refreshing and being authorised cost, and what a wave of sign-ins does to streams."""
    from cluster.commands.bench import auth

    raise typer.Exit(auth(context.args))


@bench.command(
    "history",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bench_history(context: typer.Context) -> None:
    """What history costs a chat turn: time to the first token, statements, bytes to the browser."""
    from cluster.commands.bench import history

    raise typer.Exit(history(context.args))


@bench.command(
    "engine",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bench_engine(context: typer.Context) -> None:
    """The bundled model through vLLM's own server, through ray.serve.llm, and through all of Headrace."""
    from cluster.commands.bench import engine

    raise typer.Exit(engine(context.args))


@bench.command(
    "mixed",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bench_mixed(context: typer.Context) -> None:
    """What a backlog of work that can wait does to chats, and chats to it."""
    from cluster.commands.bench import mixed

    raise typer.Exit(mixed(context.args))


@bench.command(
    "prefix",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bench_prefix(context: typer.Context) -> None:
    """Which of two replicas to ask: our ways to choose and Ray's, on conversations of several turns."""
    from cluster.commands.bench import prefix

    raise typer.Exit(prefix(context.args))


@drill.command("turns")
def drill_turns(
    short: Annotated[bool, typer.Option("--short", help="As in `test`: a look.")] = False,
    vllm: Annotated[bool, typer.Option("--vllm", help="The real engine's too.")] = False,
) -> None:
    """Kill gateways and replicas under running answers, and count what was lost."""
    from cluster.commands.drill import turns

    raise typer.Exit(turns(short=short, vllm=vllm))


@drill.command("swap")
def drill_swap(
    short: Annotated[bool, typer.Option("--short", help="As in `test`: a look.")] = False,
    vllm: Annotated[bool, typer.Option("--vllm", help="Two revisions of the real engine too.")] = False,
) -> None:
    """Promote one revision after another under streams, and count what was refused or cut."""
    from cluster.commands.drill import swap

    raise typer.Exit(swap(short=short, vllm=vllm))


@drill.command("replicas")
def drill_replicas(
    short: Annotated[bool, typer.Option("--short", help="As in `test`: a look.")] = False,
) -> None:
    """Kill one replica after the other under requests, and count those that found nobody."""
    from cluster.commands.drill import replicas

    raise typer.Exit(replicas(short=short))


@drill.command("serving")
def drill_serving() -> None:
    """Kill the load balancer, Serve's controller and all of Ray under requests, and count what was cut."""
    from cluster.commands.drill import serving

    raise typer.Exit(serving())


@drill.command("autoscaling")
def drill_autoscaling() -> None:
    """Load a model that has no replica, and count the nodes and replicas that come and go."""
    from cluster.commands.drill import scaling

    raise typer.Exit(scaling())


@drill.command("upstream")
def drill_upstream(
    short: Annotated[bool, typer.Option("--short", help="As in `test`: a look.")] = False,
) -> None:
    """Ask somebody else's service that fails in every way, and count how often it is asked."""
    from cluster.commands.drill import upstream

    raise typer.Exit(upstream(short=short))


@app.command()
def mail(
    number: Annotated[int | None, typer.Argument(help="Read this one; 1 is the newest.")] = None,
) -> None:
    """The letters of an instance that has no mail server."""
    from cluster.commands.mail import show

    show(number=number)


@audit.command("verify")
def audit_verify() -> None:
    """Read the whole audit log, and say whether somebody has changed it."""
    from cluster.commands.audit import verify

    verify()


@keys.command("rotate")
def keys_rotate(
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="The old key was stolen: its tokens are dead at once.")
    ] = False,
) -> None:
    """Sign access tokens with a new key; nobody has to sign in again."""
    from cluster.commands.keys import rotate

    rotate(withdraw=withdraw)


@users.command("create-admin")
def create_admin(
    email: Annotated[str | None, typer.Argument(help="Asked for where it is missing.")] = None,
    name: Annotated[str, typer.Option(help="Shown to others.")] = "Administrator",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make an administrator's account."""
    from cluster.commands.users import create_admin

    create_admin(email=email, name=name, password_stdin=password_stdin)


@users.command("set-role")
def set_role(email: str, role: str) -> None:
    """Give an account the role `user` or `admin`."""
    from cluster.commands.users import set_role

    set_role(email=email, role=role)


def main() -> None:
    """Entry point: errors of ours are one sentence on standard error and status 1."""
    try:
        app(prog_name="./headrace")
    except ClusterError as error:
        sys.stderr.write(f"headrace: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
