"""List, make, change and delete groups."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from auth.dependencies import Admin, CurrentAuth, CurrentVisitor
from auth.groups.schemas import GroupBody, GroupList, GroupView

router = APIRouter(prefix="/admin/groups", tags=["admin"])

GroupId = Annotated[str, Path(max_length=64)]


@router.get("")
async def list_groups(_: Admin, auth: CurrentAuth) -> GroupList:
    """All groups, by name."""
    return GroupList(items=[GroupView.of(row, members) for row, members in await auth.groups.all()])


@router.post("", status_code=status.HTTP_201_CREATED)
async def make_group(
    body: GroupBody, principal: Admin, auth: CurrentAuth, visitor: CurrentVisitor
) -> GroupView:
    """A new group; people come into it by `PATCH /api/admin/users/{id}`."""
    made = await auth.groups.make(
        principal, visitor, name=body.name, models=body.names(), budget=body.budget.budget()
    )
    return GroupView.of(*made)


@router.put("/{group_id}")
async def change_group(
    body: GroupBody, principal: Admin, auth: CurrentAuth, visitor: CurrentVisitor, group_id: GroupId
) -> GroupView:
    """Replace name, models and budget; in force at the members' next request."""
    changed = await auth.groups.change(
        principal, visitor, group_id, name=body.name, models=body.names(), budget=body.budget.budget()
    )
    return GroupView.of(*changed)


@router.delete("/{group_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_group(
    principal: Admin, auth: CurrentAuth, visitor: CurrentVisitor, group_id: GroupId
) -> None:
    """Delete a group that nobody is in."""
    await auth.groups.delete(principal, visitor, group_id)
