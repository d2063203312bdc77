"""`headrace models`: which revisions there are, which run, and who gets the traffic."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import typer
import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from cluster.local.errors import ClusterError
from cluster.local.instance_settings import instance_settings
from core.errors import HeadraceError
from core.log import configure_logging
from gateway.deployments.actor import Actor
from gateway.deployments.command_line import ModelDesk, models_for_command_line
from gateway.figures.tables import Figures
from gateway.promotions.plan import Plan
from gateway.promotions.tables import PromotionRow, PromotionState
from gateway.routing.tables import NameRow, RevisionRow, ShadowRow, State
from models.catalogue import Catalogue, CatalogueError, load_spec
from models.spec import ModelSpec

FIGURES_SECONDS: Final = 300
LOOK_SECONDS: Final = 0.5
# What `deploy` waits for; the deployment goes on by itself whatever becomes of the command.
DEPLOY_PATIENCE_SECONDS: Final = 3_600.0
ACTOR: Final = Actor()
_HEADINGS: Final = (
    "model",
    "revision",
    "state",
    "weight",
    "replicas",
    "requests in 5 min",
    "errors",
    "first token",
)

T = TypeVar("T")


def add(source: str) -> None:
    """Keep the specification of a file, or of a model of the catalogue. Raises ClusterError."""

    async def act(desk: ModelDesk) -> RevisionRow:
        return await desk.deployments.add(ACTOR, _spec_of(source))

    row = _run(act)
    _say(f"{_named(row)} is known now. ./headrace models deploy {_named(row)} runs it.")


def show_list(name: str | None) -> None:
    """Every revision, with what it did in the last five minutes."""

    async def act(
        desk: ModelDesk,
    ) -> tuple[Sequence[RevisionRow], Mapping[tuple[str, str], Figures], Mapping[str, NameRow]]:
        since = datetime.now(UTC) - timedelta(seconds=FIGURES_SECONDS)
        return (
            await desk.revisions.listed(name),
            await desk.figures.since(since, name),
            await desk.revisions.names(),
        )

    rows, figures, names = _run(act)
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading)
    for row in rows:
        did = figures.get(row.key, Figures())
        wait = did.wait_quantile(0.5)
        table.add_row(
            row.key[0],
            row.key[1],
            f"{row.state}: {row.detail}" if row.detail else str(row.state),
            str(row.weight) if row.weight else "",
            str(row.replicas),
            str(did.requests),
            str(did.errors),
            f"{wait:.3g} s" if wait is not None else "",
        )
    console = Console(highlight=False)
    console.print(table)
    for here, decided in sorted(names.items()):
        if decided.fallback is not None:
            console.print(f"While nobody answers for {here}, {decided.fallback} does.")
        if (shadow := decided.shadow) is not None:
            kept = ", and the texts are kept" if shadow.keep_texts else ""
            console.print(f"{shadow.revision} is asked again what {shadow.percent}% ask {here}{kept}.")


def show(named: str) -> None:
    """One revision's specification, or a model's revisions and promotions."""
    name, revision = _parts(named, whole=False)

    async def act(desk: ModelDesk) -> tuple[Sequence[RevisionRow], Sequence[PromotionRow]]:
        return await desk.revisions.listed(name), await desk.promotions.listed(name, 10)

    rows, promotions = _run(act)
    rows = [row for row in rows if not revision or row.key[1] == revision]
    if not rows:
        raise ClusterError(f"There is no {named}; ./headrace models list shows what there is.")
    console = Console(highlight=False, soft_wrap=True)
    for row in rows:
        console.print(
            f"[bold]{_named(row)}[/bold] {row.state}, weight {row.weight}, digest {row.spec.digest[:16]}"
            + (f", weights sha256:{row.weights}" if row.weights else "")
        )
        console.print(
            yaml.safe_dump(row.spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False),
            markup=False,
        )
    for promotion in promotions:
        console.print(
            f"{promotion.created_at:%Y-%m-%d %H:%M} {promotion.id} to {promotion.revision}: {promotion.state}"
            + (f", {promotion.detail}" if promotion.detail else "")
        )


def deploy(named: str, *, wait: bool) -> None:
    """Run a revision, and say each stage until it answers. Raises ClusterError where it cannot start."""
    name, revision = _parts(named)

    async def act(desk: ModelDesk) -> None:
        await desk.deployments.deploy(ACTOR, name, revision)
        _say(f"{named} is being deployed.")
        if wait:
            await _until_ready(desk, name, revision)

    _run(act)


def plan_of(
    *,
    steps: str,
    seconds: float,
    min_requests: int,
    patience: float,
    evaluation: str | None = None,
    keep_old: bool,
) -> Plan:
    """The plan that the options describe. Raises ClusterError."""
    try:
        return Plan(
            steps=[int(step) for step in steps.split(",")],
            seconds=seconds,
            min_requests=min_requests,
            patience_seconds=max(patience, seconds),
            evaluation=evaluation,
            retire_old=not keep_old,
        )
    except ValidationError as error:
        raise ClusterError(f"This is no plan: {error.errors(include_url=False)[0]['msg']}.") from error
    except ValueError as error:
        raise ClusterError(f"{steps!r} are no steps: write percents, such as 10,50,100.") from error


def split(name: str, shares: Sequence[str]) -> None:
    """Share the traffic of a name. Raises ClusterError."""
    weights = {}
    for share in shares:
        revision, _, number = share.partition("=")
        if not number.isascii() or not number.isdigit() or int(number) > 100:
            raise ClusterError(f"{share!r} is no share: write REVISION=WEIGHT, such as r2=10 (0 to 100).")
        weights[revision] = int(number)
    _run(lambda desk: desk.deployments.split(ACTOR, name, weights))
    _say(f"{name}: " + ", ".join(f"{revision} {weight}" for revision, weight in weights.items()))


def promote(named: str, plan: Plan, *, wait: bool) -> None:
    """Move the traffic to a revision, step by step. Exit status 1 where it went back."""
    name, revision = _parts(named)

    async def act(desk: ModelDesk) -> PromotionRow:
        begun = await desk.deployments.promote(ACTOR, name, revision, plan)
        return await _followed(desk, begun) if wait else begun

    _tell_end(_run(act), wait=wait)


def rollback(name: str, *, wait: bool) -> None:
    """Call off the promotion that runs, or undo the last one."""

    async def act(desk: ModelDesk) -> PromotionRow:
        row = await desk.deployments.rollback(ACTOR, name)
        return await _followed(desk, row) if wait else row

    row = _run(act)
    if wait:
        _say(f"{name}: {row.state}" + (f", {row.detail}" if row.detail else ""))


def retire(named: str, *, force: bool) -> None:
    """Take a revision down once its answers are finished."""
    name, revision = _parts(named)
    _run(lambda desk: desk.deployments.retire(ACTOR, name, revision, force=force))
    _say(f"{named} gets no requests any more and ends when its answers are finished.")


def fallback(name: str, other: str | None) -> None:
    """Who is asked in place of a name while nobody answers for it."""
    _run(lambda desk: desk.deployments.set_fallback(ACTOR, name, other))
    _say(f"While nobody answers for {name}, {other or 'nobody'} does.")


def shadow(named: str, *, percent: int, texts: bool) -> None:
    """Ask a revision again what others are asked; without a revision nobody is. Raises ClusterError."""
    name, revision = _parts(named, whole=False)
    row = ShadowRow(revision, percent, texts) if revision else None
    _run(lambda desk: desk.deployments.set_shadow(ACTOR, name, row))
    if row is None:
        _say(f"Nobody is asked again what {name} is asked.")
    else:
        _say(f"{named} is asked again what {percent}% ask {name}; nobody is shown its answers.")


def logs(named: str) -> None:
    """What a revision's replicas wrote last."""
    name, revision = _parts(named)
    text = _run(lambda desk: desk.deployments.log(name, revision))
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def _run(act: Callable[[ModelDesk], Awaitable[T]]) -> T:
    async def run() -> T:
        async with models_for_command_line(settings) as desk:
            return await act(desk)

    configure_logging("command-line", "ERROR", "text")
    settings = instance_settings()
    try:
        return asyncio.run(run())
    except HeadraceError as error:
        details = "; ".join(message for _, message in error.fields if message not in error.detail)
        raise ClusterError(f"{error.detail} {details}".strip()) from error
    except CatalogueError as error:
        raise ClusterError(str(error)) from error


async def _until_ready(desk: ModelDesk, name: str, revision: str) -> None:
    said, until = "", time.monotonic() + DEPLOY_PATIENCE_SECONDS
    while time.monotonic() < until:
        (row,) = [row for row in await desk.revisions.listed(name) if row.key[1] == revision]
        line = f"{row.state}" + (f": {row.detail}" if row.detail else "")
        if line != said:
            _say(line)
            said = line
        if row.state is State.READY:
            return
        if row.state is State.FAILED:
            raise ClusterError(
                f"{name}@{revision} does not start: {row.detail or 'no reason was given'} "
                f"(./headrace models logs {name}@{revision} shows more)"
            )
        await asyncio.sleep(LOOK_SECONDS)
    raise ClusterError(f"{name}@{revision} is not ready yet; it goes on starting.")


async def _followed(desk: ModelDesk, row: PromotionRow) -> PromotionRow:
    """Until it ends; it ends by itself, and needs nobody who looks on."""
    said = ""
    while row.ended_at is None:
        line = f"{row.state}" + (f": {row.detail}" if row.detail else "")
        if line != said:
            _say(line)
            said = line
        await asyncio.sleep(LOOK_SECONDS)
        found = await desk.promotions.get(row.id)
        if found is None:
            raise ClusterError(f"The promotion {row.id} is gone.")
        row = found
    return row


def _tell_end(row: PromotionRow, *, wait: bool) -> None:
    if not wait:
        _say(f"{row.id} began; ./headrace models show {row.name} tells how it stands.")
        return
    if row.state is not PromotionState.PROMOTED:
        _say(f"{row.name}@{row.revision} was not promoted: {row.detail}")
        raise typer.Exit(1)
    receipt = row.receipt or {}
    _say(
        f"{row.name}@{row.revision} has all of the traffic. {receipt.get('streams_finished_on_old', 0)} "
        f"answers were finished by the old revision, {receipt.get('drops', 0)} were lost. Receipt: {row.id}"
    )


def _spec_of(source: str) -> ModelSpec:
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return load_spec(path)
    catalogue = Catalogue.load(instance_settings().model_config_dirs)
    if source not in catalogue:
        raise ClusterError(
            f"{source!r} is neither a file nor a model of the catalogue ({', '.join(catalogue.names())})."
        )
    return catalogue.get(source)


def _parts(named: str, *, whole: bool = True) -> tuple[str, str]:
    name, at, revision = named.partition("@")
    if not name or (whole and not revision) or (at and not revision):
        raise ClusterError(f"{named!r} names no revision: write MODEL@REVISION, such as simulated@r1.")
    return name, revision


def _named(row: RevisionRow) -> str:
    return f"{row.key[0]}@{row.key[1]}"


def _say(line: str) -> None:
    Console(highlight=False, soft_wrap=True).print(line, markup=False)
