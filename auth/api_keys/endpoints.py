"""List, make and revoke one's API keys."""

from fastapi import APIRouter, Response, status

from auth.api_keys.schemas import ChangeKeyRequest, CreateKeyRequest, KeyList, KeyView, NewKeyView
from auth.dependencies import CurrentAuth, SignedIn

router = APIRouter(prefix="/keys", tags=["keys"])


@router.get("")
async def list_keys(auth: CurrentAuth, principal: SignedIn) -> KeyList:
    """One's keys, newest first."""
    return KeyList(items=[KeyView.of(key) for key in await auth.api_keys.of_user(principal.user_id)])


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_key(
    body: CreateKeyRequest, response: Response, auth: CurrentAuth, principal: SignedIn
) -> NewKeyView:
    """A new key; its text is in this answer and nowhere else."""
    key, text = await auth.api_keys.create(
        principal.user_id, body.name, body.expires_in_days, body.budget.budget()
    )
    response.headers["cache-control"] = "no-store"
    return NewKeyView(**KeyView.of(key).model_dump(), key=text)


@router.patch("/{key_id}")
async def change_key(key_id: str, body: ChangeKeyRequest, auth: CurrentAuth, principal: SignedIn) -> KeyView:
    """Give a key another budget."""
    return KeyView.of(await auth.api_keys.set_budget(principal.user_id, key_id, body.budget.budget()))


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_key(key_id: str, auth: CurrentAuth, principal: SignedIn) -> None:
    """End a key, at once and everywhere."""
    await auth.api_keys.revoke(principal.user_id, key_id)
