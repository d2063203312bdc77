"""`/api/admin/models` and `/api/admin/promotions`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, status

from auth.dependencies import CurrentVisitor, Operator
from auth.principal import Role
from core.errors import Forbidden, NotFound
from gateway.dependencies import AllFigures, CurrentDeployments, EngineQueues, Promotions, Revisions
from gateway.deployments.actor import Actor
from gateway.deployments.schemas import (
    Fallback,
    LogOut,
    NewPromotion,
    NewRevision,
    PromotionList,
    PromotionOut,
    Retirement,
    RevisionList,
    RevisionOut,
    ShadowIn,
    Split,
)

router = APIRouter(prefix="/admin", tags=["admin"])

# What the list shows of each revision is of so long.
FIGURES_SECONDS: Final = 300

_ID = r"^[a-z0-9][a-z0-9._-]{0,62}$"
ModelName = Annotated[str, Path(pattern=_ID)]
RevisionName = Annotated[str, Path(pattern=_ID)]
PromotionId = Annotated[str, Path(max_length=64)]


async def _actor(principal: Operator, visitor: CurrentVisitor) -> Actor:
    return Actor(principal.user_id, visitor)


OperatorActor = Annotated[Actor, Depends(_actor)]


@router.get("/models")
async def list_revisions(
    _: Operator, revisions: Revisions, figures: AllFigures, queues: EngineQueues
) -> RevisionList:
    """Every revision, what is wanted of it, what was last seen, what it did in the last five minutes, and how
    many requests it has now."""
    since = datetime.now(UTC) - timedelta(seconds=FIGURES_SECONDS)
    return RevisionList.of(
        await revisions.listed(),
        await revisions.names(),
        await figures.since(since),
        FIGURES_SECONDS,
        await queues.now(),
    )


@router.post("/models", status_code=status.HTTP_201_CREATED)
async def add_revision(
    body: NewRevision, principal: Operator, actor: OperatorActor, deployments: CurrentDeployments
) -> RevisionOut:
    """Keep a specification, without running it yet."""
    spec = body.checked()
    if spec.trust_remote_code and not principal.role.includes(Role.ADMIN):
        raise Forbidden("trust_remote_code runs somebody's code on this cluster: an administrator adds it.")
    return RevisionOut.of(await deployments.add(actor, spec))


@router.post("/models/{name}/{revision}/deploy", status_code=status.HTTP_202_ACCEPTED)
async def deploy_revision(
    actor: OperatorActor, deployments: CurrentDeployments, name: ModelName, revision: RevisionName
) -> RevisionOut:
    """Run it. It gets traffic by a split or a promotion; at once where nobody has any."""
    return RevisionOut.of(await deployments.deploy(actor, name, revision))


@router.post("/models/{name}/{revision}/retire", status_code=status.HTTP_202_ACCEPTED)
async def retire_revision(
    actor: OperatorActor,
    deployments: CurrentDeployments,
    name: ModelName,
    revision: RevisionName,
    body: Retirement | None = None,
) -> RevisionOut:
    """Take it down once the answers that it began are finished."""
    force = body is not None and body.force
    return RevisionOut.of(await deployments.retire(actor, name, revision, force=force))


@router.get("/models/{name}/{revision}/log")
async def read_log(
    _: Operator, deployments: CurrentDeployments, name: ModelName, revision: RevisionName
) -> LogOut:
    """What its replicas wrote last."""
    return LogOut(text=await deployments.log(name, revision))


@router.put("/models/{name}/traffic")
async def split_traffic(
    body: Split, actor: OperatorActor, deployments: CurrentDeployments, name: ModelName
) -> list[RevisionOut]:
    """Share the traffic of a name among revisions that are ready."""
    return [RevisionOut.of(row) for row in await deployments.split(actor, name, body.weights)]


@router.put("/models/{name}/fallback", status_code=status.HTTP_204_NO_CONTENT)
async def set_fallback(
    body: Fallback, actor: OperatorActor, deployments: CurrentDeployments, name: ModelName
) -> None:
    """Who is asked in its place while nobody answers for it."""
    await deployments.set_fallback(actor, name, body.fallback)


@router.put("/models/{name}/shadow", status_code=status.HTTP_204_NO_CONTENT)
async def set_shadow(
    body: ShadowIn, actor: OperatorActor, deployments: CurrentDeployments, name: ModelName
) -> None:
    """Which revision gets copies of what this name is asked. Nobody who chats sees its answers or pays."""
    await deployments.set_shadow(actor, name, body.row())


@router.post("/models/{name}/promote", status_code=status.HTTP_202_ACCEPTED)
async def promote_revision(
    body: NewPromotion, actor: OperatorActor, deployments: CurrentDeployments, name: ModelName
) -> PromotionOut:
    """Move the traffic to a revision in steps, going back by itself where it does harm."""
    return PromotionOut.of(await deployments.promote(actor, name, body.revision, body.plan))


@router.post("/models/{name}/rollback", status_code=status.HTTP_202_ACCEPTED)
async def roll_back(actor: OperatorActor, deployments: CurrentDeployments, name: ModelName) -> PromotionOut:
    """Call off the promotion that runs, or undo the last one."""
    return PromotionOut.of(await deployments.rollback(actor, name))


@router.get("/promotions")
async def list_promotions(
    _: Operator, promotions: Promotions, name: Annotated[str | None, Query(pattern=_ID)] = None
) -> PromotionList:
    """Promotions and their receipts, of one model or of all, newest first."""
    return PromotionList(items=[PromotionOut.of(row) for row in await promotions.listed(name)])


@router.get("/promotions/{promotion_id}")
async def show_promotion(_: Operator, promotions: Promotions, promotion_id: PromotionId) -> PromotionOut:
    """One promotion, with its receipt once it has ended."""
    row = await promotions.get(promotion_id)
    if row is None:
        raise NotFound("There is no such promotion.")
    return PromotionOut.of(row)
