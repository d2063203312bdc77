"""Add, list and remove one's passkeys."""

from typing import Annotated

from fastapi import APIRouter, Path, Response, status

from auth.dependencies import CurrentAuth, CurrentVisitor, Fresh, SignedIn
from auth.passkeys.schemas import AddPasskeyRequest, OptionsView, PasskeyList, PasskeyView

router = APIRouter(prefix="/auth/passkeys", tags=["auth"])


@router.get("")
async def list_passkeys(auth: CurrentAuth, principal: SignedIn) -> PasskeyList:
    """One's passkeys, oldest first."""
    rows = await auth.passkeys.of_user(principal.user_id)
    return PasskeyList(items=[PasskeyView.of(row) for row in rows])


@router.post("/options")
async def begin_to_add(response: Response, auth: CurrentAuth, principal: Fresh) -> OptionsView:
    """What a browser needs to make a passkey."""
    response.headers["cache-control"] = "no-store"
    user = await auth.accounts.get(principal.user_id)
    return OptionsView(public_key=await auth.passkeys.begin_to_add(user))


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_passkey(
    body: AddPasskeyRequest, auth: CurrentAuth, principal: Fresh, visitor: CurrentVisitor
) -> PasskeyView:
    """Keep the passkey that the browser has made."""
    user = await auth.accounts.get(principal.user_id)
    return PasskeyView.of(await auth.passkeys.add(user, body.name, body.credential, visitor))


@router.delete("/{passkey_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_passkey(
    auth: CurrentAuth,
    principal: Fresh,
    visitor: CurrentVisitor,
    passkey_id: Annotated[str, Path(max_length=64)],
) -> None:
    """Forget a passkey."""
    await auth.passkeys.remove(await auth.accounts.get(principal.user_id), passkey_id, visitor)
