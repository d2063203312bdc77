"""Groups: people who share a budget, and the models they may ask."""

from typing import Final

from auth.audit.service import AuditLog
from auth.budget import Budget
from auth.groups.repository import GroupRepository
from auth.groups.tables import GroupRow
from auth.principal import Principal
from auth.revocation import Announcer
from auth.revocation import Kind as Revoked
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.ids import is_id
from core.postgres import UniqueViolation

MOST: Final = 500


class Groups:
    """What administrators can do with groups; every act is recorded, and in force at the next request."""

    def __init__(
        self, repository: GroupRepository, audit: AuditLog, announcer: Announcer, clock: Clock
    ) -> None:
        self._repository = repository
        self._audit = audit
        self._announcer = announcer
        self._clock = clock

    async def all(self) -> list[tuple[GroupRow, int]]:
        """Groups by name, each with how many members it has."""
        return await self._repository.all(MOST)

    async def get(self, group_id: str) -> tuple[GroupRow, int]:
        """One group, and how many members it has. Raises NotFound."""
        found = await self._repository.find_counted(group_id) if is_id("grp", group_id) else None
        if found is None:
            raise NotFound("There is no group with this id.")
        return found

    async def make(
        self, by: Principal, visitor: Visitor, *, name: str, models: frozenset[str] | None, budget: Budget
    ) -> tuple[GroupRow, int]:
        """A new group, without members. Raises Conflict where the name is taken, or there are too many."""
        try:
            group_id = await self._repository.add(
                name=name, models=models, budget=budget, now=self._clock.now(), most=MOST
            )
        except UniqueViolation as error:
            raise _taken(name) from error
        if group_id is None:
            raise Conflict(f"There are {MOST} groups already. Delete one first.")
        await self._record("group.made", by, visitor, group_id, models, budget)
        return await self.get(group_id)

    async def change(
        self,
        by: Principal,
        visitor: Visitor,
        group_id: str,
        *,
        name: str,
        models: frozenset[str] | None,
        budget: Budget,
    ) -> tuple[GroupRow, int]:
        """Give a group another name, models and budget. Raises NotFound; Conflict where the name is taken."""
        await self.get(group_id)
        try:
            known = await self._repository.replace(group_id, name=name, models=models, budget=budget)
        except UniqueViolation as error:
            raise _taken(name) from error
        if known:
            await self._record("group.changed", by, visitor, group_id, models, budget)
            await self._announcer.announce(Revoked.GROUP, group_id)
        return await self.get(group_id)

    async def delete(self, by: Principal, visitor: Visitor, group_id: str) -> None:
        """Delete a group without members: whoever was in it would be free of its bounds without a decision.

        Raises NotFound; Conflict while somebody is in it.
        """
        members = await self._repository.delete_empty(group_id) if is_id("grp", group_id) else None
        if members is None:
            raise NotFound("There is no group with this id.")
        if members:
            people = "1 person is" if members == 1 else f"{members} people are"
            raise Conflict(f"{people} in this group. Move them to another one first.")
        await self._audit.record("group.deleted", visitor, actor=by.user_id, target=group_id)

    async def put(self, by: Principal, visitor: Visitor, user_id: str, group_id: str | None) -> None:
        """Put somebody into a group, out of the one they are in. Raises NotFound."""
        if group_id is not None:
            await self.get(group_id)
        if not await self._repository.put(user_id, group_id):
            raise NotFound("This account or this group is not there any more.")
        detail = {"group": group_id}
        await self._audit.record(
            "account.group_set", visitor, actor=by.user_id, target=user_id, detail=detail
        )
        await self._announcer.announce(Revoked.USER, user_id)

    async def _record(
        self,
        action: str,
        by: Principal,
        visitor: Visitor,
        group_id: str,
        models: frozenset[str] | None,
        budget: Budget,
    ) -> None:
        detail = {
            "models": None if models is None else sorted(models),
            "tokens_per_day": budget.day,
            "tokens_per_month": budget.month,
        }
        await self._audit.record(action, visitor, actor=by.user_id, target=group_id, detail=detail)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a group named {name} already.")
