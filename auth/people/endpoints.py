"""Find and change the accounts of others."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status

from auth.dependencies import Admin, CurrentAuth, CurrentVisitor, FreshAdmin
from auth.people.schemas import ChangePersonRequest, PeoplePage, PersonView
from auth.sessions.schemas import EndedSessions
from core.errors import Conflict

router = APIRouter(prefix="/admin/users", tags=["admin"])

UserId = Annotated[str, Path(max_length=64)]


@router.get("")
async def list_people(
    _: Admin,
    auth: CurrentAuth,
    q: Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = "",
    group: Annotated[str | None, Query(pattern=r"^grp_[0-9a-f]{32}$")] = None,
    cursor: Annotated[str | None, Query(pattern=r"^usr_[0-9a-f]{32}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PeoplePage:
    """Accounts whose address or name holds `q`, in this group where one is named, newest first."""
    rows = await auth.people.page(q.strip(), group, cursor, limit + 1)
    items = [PersonView.of(row) for row in rows[:limit]]
    return PeoplePage(items=items, next_cursor=items[-1].id if len(rows) > limit else None)


@router.get("/{user_id}")
async def show_person(_: Admin, auth: CurrentAuth, user_id: UserId) -> PersonView:
    """One account."""
    return PersonView.of(await auth.people.get(user_id))


@router.patch("/{user_id}")
async def change_person(
    body: ChangePersonRequest,
    principal: FreshAdmin,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
    user_id: UserId,
) -> PersonView:
    """Give somebody another role or group, or disable or enable their account; in force at their next
    request."""
    if body.group_id is not None:
        # Nothing of it is done where a part of it cannot be.
        await auth.groups.get(body.group_id)
    await auth.people.change(principal, user_id, visitor, role=body.role, active=body.active)
    if "group_id" in body.model_fields_set:
        await auth.groups.put(principal, visitor, user_id, body.group_id)
    return PersonView.of(await auth.people.get(user_id))


@router.delete("/{user_id}")
async def delete_person(
    principal: FreshAdmin, auth: CurrentAuth, visitor: CurrentVisitor, user_id: UserId
) -> PersonView:
    """Disable somebody's account at once, and have it erased at `delete_at`, with everything in it; until
    then it can be kept."""
    if user_id == principal.user_id:
        raise Conflict("This is your own account. Delete it where your profile is.")
    person = await auth.people.change(principal, user_id, visitor, role=None, active=False)
    await auth.deletion.order(principal, user_id, person.user.email, visitor)
    return PersonView.of(await auth.people.get(user_id))


@router.post("/{user_id}/keep")
async def keep_person(
    principal: FreshAdmin, auth: CurrentAuth, visitor: CurrentVisitor, user_id: UserId
) -> PersonView:
    """Keep an account that was to be erased. One that is disabled stays so."""
    await auth.people.get(user_id)
    await auth.deletion.call_off(principal, user_id, visitor)
    return PersonView.of(await auth.people.get(user_id))


@router.delete("/{user_id}/sessions")
async def end_sessions(
    principal: Admin, auth: CurrentAuth, visitor: CurrentVisitor, user_id: UserId
) -> EndedSessions:
    """Sign somebody out everywhere."""
    return EndedSessions(ended_sessions=await auth.people.end_sessions(principal, user_id, visitor))


@router.delete("/{user_id}/second-factor", status_code=status.HTTP_204_NO_CONTENT)
async def remove_second_factor(
    principal: FreshAdmin, auth: CurrentAuth, visitor: CurrentVisitor, user_id: UserId
) -> None:
    """Take away the second factor of somebody who has lost it."""
    await auth.people.remove_second_factor(principal, user_id, visitor)
