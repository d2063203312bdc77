"""List, make, rotate and revoke one's API keys."""

from datetime import timedelta

from fastapi import APIRouter, Response, status

from auth.api_keys.schemas import (
    ChangeKeyRequest,
    CreateKeyRequest,
    KeyList,
    KeyView,
    NewKeyView,
    RotateKeyRequest,
)
from auth.dependencies import CurrentAuth, CurrentVisitor, SignedIn
from auth.principal import Scope

router = APIRouter(prefix="/keys", tags=["keys"])


@router.get("")
async def list_keys(auth: CurrentAuth, principal: SignedIn) -> KeyList:
    """One's keys, newest first."""
    return KeyList(items=[KeyView.of(key) for key in await auth.api_keys.of_user(principal.user_id)])


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_key(
    body: CreateKeyRequest,
    response: Response,
    auth: CurrentAuth,
    principal: SignedIn,
    visitor: CurrentVisitor,
) -> NewKeyView:
    """A new key; its text is in this answer and nowhere else."""
    key, text = await auth.api_keys.create(
        principal.user_id,
        body.name,
        body.expires_in_days,
        body.budget.budget(),
        scopes=frozenset(Scope(scope) for scope in body.scopes),
        models=body.models,
        requests_per_minute=body.requests_per_minute,
    )
    response.headers["cache-control"] = "no-store"
    await auth.audit.record("key.made", visitor, actor=principal.user_id, target=key.id)
    return NewKeyView(**KeyView.of(key).model_dump(), key=text)


@router.post("/{key_id}/rotate", status_code=status.HTTP_201_CREATED)
async def rotate_key(
    key_id: str,
    response: Response,
    auth: CurrentAuth,
    principal: SignedIn,
    visitor: CurrentVisitor,
    body: RotateKeyRequest | None = None,
) -> NewKeyView:
    """A new key that may do the same; the old one stays good for a while."""
    overlap = timedelta(hours=(body or RotateKeyRequest()).overlap_hours)
    key, text = await auth.api_keys.rotate(principal.user_id, key_id, overlap)
    response.headers["cache-control"] = "no-store"
    detail = {"in_place_of": key_id}
    await auth.audit.record("key.rotated", visitor, actor=principal.user_id, target=key.id, detail=detail)
    return NewKeyView(**KeyView.of(key).model_dump(), key=text)


@router.patch("/{key_id}")
async def change_key(key_id: str, body: ChangeKeyRequest, auth: CurrentAuth, principal: SignedIn) -> KeyView:
    """Give a key another budget, or another limit of requests."""
    given = body.model_fields_set
    changed = await auth.api_keys.change(
        principal.user_id,
        key_id,
        budget=body.budget.budget() if body.budget is not None else ...,
        requests_per_minute=body.requests_per_minute if "requests_per_minute" in given else ...,
    )
    return KeyView.of(changed)


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_key(key_id: str, auth: CurrentAuth, principal: SignedIn, visitor: CurrentVisitor) -> None:
    """End a key, at once and everywhere."""
    await auth.api_keys.revoke(principal.user_id, key_id)
    await auth.audit.record("key.revoked", visitor, actor=principal.user_id, target=key_id)
