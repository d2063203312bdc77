"""Add, deploy, split, promote, roll back and retire revisions of models."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from auth.audit.service import AuditLog
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.postgres import Connection
from gateway.deployments.actor import Actor
from gateway.evaluations.repository import EvaluationRepository
from gateway.promotions.plan import Plan
from gateway.promotions.repository import PromotionRepository
from gateway.promotions.tables import PromotionRow, PromotionState
from gateway.routing.control import Control
from gateway.routing.repository import RevisionRepository
from gateway.routing.tables import Desired, Origin, RevisionRow, ShadowRow, State
from models.spec import ModelSpec

# Going back is not tried out: what had the traffic before has shown that it works.
AT_ONCE = Plan(steps=[100], seconds=0, min_requests=0, patience_seconds=0)


class Deployments:
    """Every decision is one transaction, recorded in the audit log before it is answered."""

    def __init__(
        self,
        revisions: RevisionRepository,
        promotions: PromotionRepository,
        control: Control,
        audit: AuditLog,
        evaluations: EvaluationRepository,
    ) -> None:
        self._evaluations = evaluations
        self._revisions = revisions
        self._promotions = promotions
        self._control = control
        self._audit = audit

    async def add(self, actor: Actor, spec: ModelSpec) -> RevisionRow:
        """Keep a specification, without running it. The same one again changes nothing.

        Raises core.errors.Conflict for another one under the same name: a revision never changes.
        """
        async with self._revisions.deciding(spec.name) as connection:
            added = await self._revisions.add(connection, spec)
            row = await self._one(connection, spec.name, spec.revision)
            if row.spec.digest != spec.digest:
                raise Conflict(
                    f"{spec.name} has a revision {spec.revision} with other settings. A revision never "
                    "changes: give this one another name."
                )
        if added:
            await self._record(actor, "model.added", row, digest=spec.digest)
        return row

    async def deploy(self, actor: Actor, name: str, revision: str) -> RevisionRow:
        """Run a revision. It gets no traffic, unless no revision of its name has any.

        Raises core.errors.NotFound.
        """
        async with self._revisions.deciding(name) as connection:
            row = await self._one(connection, name, revision)
            await self._revisions.want(connection, row.spec, Origin.OPERATOR)
            await self._revisions.take_charge(connection, name)
            rows = await self._revisions.of_name(connection, name)
            if not any(item.weight for item in rows):
                await self._revisions.set_weights(connection, name, {revision: 100})
            row = await self._one(connection, name, revision)
        await self._record(actor, "model.deployed", row)
        return row

    async def split(self, actor: Actor, name: str, weights: Mapping[str, int]) -> Sequence[RevisionRow]:
        """Share the traffic of a name. Revisions that are not named get none.

        Raises: core.errors.NotFound; Invalid for a revision that does not answer; Conflict while a promotion
        runs.
        """
        async with self._revisions.deciding(name) as connection:
            rows = {row.key[1]: row for row in await self._revisions.of_name(connection, name)}
            await self._require_idle(connection, name)
            for revision, weight in weights.items():
                row = rows.get(revision)
                if row is None:
                    raise _unknown(name, revision)
                if weight and (row.desired is not Desired.SERVING or row.state is not State.READY):
                    raise Invalid(
                        f"{name} {revision} is {row.state}: only a revision that is ready can get traffic.",
                        fields=[("weights", f"{revision} is {row.state}")],
                    )
            if not any(weights.values()):
                raise Invalid(
                    "Somebody has to answer: give at least one revision a weight above 0.",
                    fields=[("weights", "all are 0")],
                )
            await self._revisions.take_charge(connection, name)
            await self._revisions.set_weights(connection, name, weights)
            changed = await self._revisions.of_name(connection, name)
        await self._audit.record(
            "model.split",
            actor.visitor,
            actor=actor.user_id,
            target=name,
            detail={"weights": dict(weights), "by": actor.name},
        )
        return changed

    async def promote(self, actor: Actor, name: str, revision: str, plan: Plan) -> PromotionRow:
        """Begin to move the traffic of a name to one of its revisions.

        Raises: core.errors.NotFound; Conflict while another promotion runs or where there is nothing to move.
        """
        async with self._revisions.deciding(name) as connection:
            row = await self._one(connection, name, revision)
            if plan.evaluation and not await self._evaluations.has_set(connection, plan.evaluation):
                raise NotFound(f"There is no evaluation set {plan.evaluation!r}. Make it first.")
            begun = await self._begin(connection, actor, row, plan)
        await self._record(
            actor, "model.promotion_begun", row, promotion=begun.id, plan=plan.model_dump(mode="json")
        )
        return begun

    async def rollback(self, actor: Actor, name: str) -> PromotionRow:
        """Go back: call off the promotion that runs, or give the traffic back to whoever had most of it
        before the last one; that revision is started again where it was taken down.

        Raises: core.errors.NotFound where there was none; Conflict while the old answers are being finished.
        """
        async with self._revisions.deciding(name) as connection:
            running = await self._promotions.running_of(connection, name)
            if running is not None:
                row = await self._promotions.current(connection, running)
                if row is not None and row.state is PromotionState.DRAINING:
                    raise Conflict(
                        f"All of the traffic of {name} has moved. Roll back once the old answers are done."
                    )
                await self._promotions.ask_to_stop(connection, running)
            else:
                row = await self._begin_return(connection, actor, name)
        assert row is not None  # noqa: S101 - it was there a moment ago, in the same transaction
        await self._audit.record(
            "model.rolled_back",
            actor.visitor,
            actor=actor.user_id,
            target=name,
            detail={"promotion": row.id, "by": actor.name},
        )
        return row

    async def retire(self, actor: Actor, name: str, revision: str, *, force: bool = False) -> RevisionRow:
        """Take a revision down once its answers are finished.

        Raises: core.errors.NotFound; Conflict where it is part of a promotion, or has all of the traffic and
        `force` is not given.
        """
        async with self._revisions.deciding(name) as connection:
            row = await self._one(connection, name, revision)
            await self._require_idle(connection, name)
            others = [
                item
                for item in await self._revisions.of_name(connection, name)
                if item.weight and item.state is State.READY and item.key != row.key
            ]
            if row.weight and not others and not force:
                raise Conflict(
                    f"{name} {revision} has all of the traffic: nobody would answer for {name}. Promote "
                    "another revision first, or take it down by force."
                )
            await self._revisions.take_charge(connection, name)
            await self._revisions.retire(connection, name, revision)
            row = await self._one(connection, name, revision)
        await self._record(actor, "model.retired", row, forced=force)
        return row

    async def set_fallback(self, actor: Actor, name: str, fallback: str | None) -> None:
        """Who is asked in place of a name while nobody answers for it.

        Raises core.errors.NotFound, Invalid.
        """
        async with self._revisions.deciding(name) as connection:
            if not await self._revisions.of_name(connection, name):
                raise NotFound(f"There is no model named {name!r}.")
            if fallback is not None and (
                fallback == name or not await self._revisions.of_name(connection, fallback)
            ):
                raise Invalid(
                    f"{fallback!r} cannot answer for {name!r}: name another model that is there.",
                    fields=[("fallback", "not another model")],
                )
            await self._revisions.set_fallback(connection, name, fallback)
        await self._audit.record(
            "model.fallback_set",
            actor.visitor,
            actor=actor.user_id,
            target=name,
            detail={"fallback": fallback, "by": actor.name},
        )

    async def set_shadow(self, actor: Actor, name: str, shadow: ShadowRow | None) -> None:
        """Who gets a copy of what a name is asked; its answers are compared and shown to nobody who chats.

        Raises: core.errors.NotFound; Invalid for a revision that is not running.
        """
        async with self._revisions.deciding(name) as connection:
            if shadow is not None:
                row = await self._one(connection, name, shadow.revision)
                if row.desired is not Desired.SERVING:
                    raise Invalid(
                        f"{name} {shadow.revision} is not running: deploy it first.",
                        fields=[("revision", "not running")],
                    )
            elif not await self._revisions.of_name(connection, name):
                raise NotFound(f"There is no model named {name!r}.")
            await self._revisions.set_shadow(connection, name, shadow)
        await self._audit.record(
            "model.shadow_set",
            actor.visitor,
            actor=actor.user_id,
            target=name,
            detail={"shadow": asdict(shadow) if shadow else None, "by": actor.name},
        )

    async def log(self, name: str, revision: str) -> str:
        """What a revision's replicas wrote last. Raises core.errors.NotFound, Unavailable."""
        return await self._control.log(name, revision)

    async def _begin_return(self, connection: Connection, actor: Actor, name: str) -> PromotionRow:
        last = await self._promotions.last_promoted(connection, name)
        if last is None:
            raise NotFound(f"Nothing was promoted for {name} that could be rolled back.")
        revision = max(
            (item for item in last.before if item != last.revision),
            key=lambda item: last.before[item],
            default=None,
        )
        if revision is None:
            raise Conflict(f"{last.revision} was the first revision of {name}: there is none to go back to.")
        return await self._begin(connection, actor, await self._one(connection, name, revision), AT_ONCE)

    async def _begin(
        self, connection: Connection, actor: Actor, row: RevisionRow, plan: Plan
    ) -> PromotionRow:
        name, revision = row.key
        rows = await self._revisions.of_name(connection, name)
        before = {item.key[1]: item.weight for item in rows if item.weight}
        if before == {revision: row.weight} and row.state is State.READY:
            raise Conflict(f"{name} {revision} has all of the traffic already.")
        await self._revisions.take_charge(connection, name)
        return await self._promotions.begin(
            connection,
            promotion_id=new_id("prm"),
            name=name,
            revision=revision,
            before=before,
            plan=plan,
            started_by=actor.name,
        )

    async def _require_idle(self, connection: Connection, name: str) -> None:
        if await self._promotions.running_of(connection, name) is not None:
            raise Conflict(
                f"A promotion of {name} is moving the traffic. Wait for its end, or roll it back first."
            )

    async def _one(self, connection: Connection, name: str, revision: str) -> RevisionRow:
        for row in await self._revisions.of_name(connection, name):
            if row.key[1] == revision:
                return row
        raise _unknown(name, revision)

    async def _record(self, actor: Actor, action: str, row: RevisionRow, **detail: Any) -> None:
        await self._audit.record(
            action,
            actor.visitor,
            actor=actor.user_id,
            target=f"{row.key[0]} {row.key[1]}",
            detail={**detail, "by": actor.name},
        )


def _unknown(name: str, revision: str) -> NotFound:
    return NotFound(f"There is no revision {revision!r} of {name!r}. Add it first.")
