"""The command line about models. What the commands do is in `cluster/commands/models.py`."""

from typing import Annotated

import typer

models = typer.Typer(
    help="Models: which revisions there are, and who gets the traffic.", no_args_is_help=True
)

Named = Annotated[str, typer.Argument(metavar="MODEL@REVISION")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Say each stage until it is done.")]


@models.command("list")
def models_list(model: Annotated[str | None, typer.Argument(help="Only this one.")] = None) -> None:
    """Every revision, its share of the traffic, and what it did in the last five minutes."""
    from cluster.commands.models import show_list

    show_list(model)


@models.command("show")
def models_show(named: Annotated[str, typer.Argument(metavar="MODEL[@REVISION]")]) -> None:
    """Specifications and promotions."""
    from cluster.commands.models import show

    show(named)


@models.command("add")
def models_add(
    source: Annotated[str, typer.Argument(help="A YAML file, or the name of a model of the catalogue.")],
) -> None:
    """Make a revision known, without running it."""
    from cluster.commands.models import add

    add(source)


@models.command("deploy")
def models_deploy(named: Named, wait: Wait = True) -> None:
    """Run a revision; it gets traffic by `split` or `promote`."""
    from cluster.commands.models import deploy

    deploy(named, wait=wait)


@models.command("split")
def models_split(
    model: str, shares: Annotated[list[str], typer.Argument(metavar="REVISION=WEIGHT...")]
) -> None:
    """Share a model's traffic among revisions that are ready."""
    from cluster.commands.models import split

    split(model, shares)


@models.command("promote")
def models_promote(
    named: Named,
    steps: Annotated[str, typer.Option(help="Percents of the traffic, rising to 100.")] = "10,50,100",
    seconds: Annotated[float, typer.Option(min=0, help="How long a step lasts at least.")] = 30,
    min_requests: Annotated[int, typer.Option(min=0, help="So many are judged in each step.")] = 20,
    patience: Annotated[float, typer.Option(min=0, help="Seconds a step waits for them.")] = 600,
    evaluation: Annotated[str | None, typer.Option(help="A set of prompts it has to pass before.")] = None,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Leave the old revision running.")] = False,
    wait: Wait = True,
) -> None:
    """Move the traffic to a revision in steps that are watched; it goes back by itself where it does harm."""
    from cluster.commands.models import plan_of, promote

    plan = plan_of(
        steps=steps,
        seconds=seconds,
        min_requests=min_requests,
        patience=patience,
        evaluation=evaluation,
        keep_old=keep_old,
    )
    promote(named, plan, wait=wait)


@models.command("rollback")
def models_rollback(model: str, wait: Wait = True) -> None:
    """Call off the promotion that runs, or undo the last one."""
    from cluster.commands.models import rollback

    rollback(model, wait=wait)


@models.command("retire")
def models_retire(
    named: Named,
    force: Annotated[bool, typer.Option("--force", help="Also where nobody would answer then.")] = False,
) -> None:
    """Take a revision down once its answers are finished."""
    from cluster.commands.models import retire

    retire(named, force=force)


@models.command("fallback")
def models_fallback(
    model: str, other: Annotated[str | None, typer.Argument(help="Left out: nobody.")] = None
) -> None:
    """Who is asked in place of a model while nobody answers for it."""
    from cluster.commands.models import fallback

    fallback(model, other)


@models.command("shadow")
def models_shadow(
    named: Annotated[str, typer.Argument(metavar="MODEL[@REVISION]", help="Without a revision: nobody.")],
    percent: Annotated[int, typer.Option(min=1, max=100, help="So many of a hundred requests.")] = 10,
    texts: Annotated[bool, typer.Option("--texts", help="Keep questions and answers for a week.")] = False,
) -> None:
    """Ask a revision again what people ask, to compare its answers, which nobody is shown or charged for."""
    from cluster.commands.models import shadow

    shadow(named, percent=percent, texts=texts)


@models.command("logs")
def models_logs(named: Named) -> None:
    """What a revision's replicas wrote last."""
    from cluster.commands.models import logs

    logs(named)
