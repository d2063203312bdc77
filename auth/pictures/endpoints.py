"""One's picture: set, show, remove."""

from fastapi import APIRouter, Response

from auth.accounts.schemas import UserView
from auth.dependencies import CurrentAuth, SignedIn
from auth.pictures.drawing import MEDIA_TYPE
from auth.pictures.schemas import PictureBody

router = APIRouter(prefix="/auth/me/picture", tags=["auth"])

_PICTURE = {"content": {MEDIA_TYPE: {}}, "description": "The picture, 256 by 256 pixels."}


@router.put("")
async def set_picture(body: PictureBody, principal: SignedIn, auth: CurrentAuth) -> UserView:
    """Make this one's picture: its middle, small, without anything that the file told besides."""
    return UserView.of(await auth.pictures.put(principal.user_id, body.image))


@router.get("", response_class=Response, responses={200: _PICTURE})
async def show_picture(principal: SignedIn, auth: CurrentAuth) -> Response:
    """One's picture. Its address changes with it, so a browser may keep it."""
    image = await auth.pictures.get(principal.user_id)
    return Response(image, media_type=MEDIA_TYPE, headers={"cache-control": "private, max-age=86400"})


@router.delete("")
async def remove_picture(principal: SignedIn, auth: CurrentAuth) -> UserView:
    """Forget one's picture."""
    return UserView.of(await auth.pictures.remove(principal.user_id))
