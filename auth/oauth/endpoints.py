"""Go to an identity provider, come back, and look after the ways in that were added so."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response, status
from starlette.responses import RedirectResponse

from auth.dependencies import CurrentAuth, CurrentVisitor, Fresh, FromOwnPage, SignedIn
from auth.oauth.schemas import (
    BeginRequest,
    BeginView,
    IdentityList,
    IdentityView,
    ProviderList,
    ProviderView,
)
from auth.oauth.transactions import LIFETIME_SECONDS
from auth.sessions.cookies import set_cookies
from auth.sessions.sign_in import SecondStep
from core.errors import HeadraceError

router = APIRouter(prefix="/auth/oauth", tags=["auth"])

# Strict would keep it away when the browser comes back from another site, which is what it is for.
COOKIE: Final = "__Host-headrace_oauth"

ProviderId = Annotated[str, Path(max_length=64)]
Text = Annotated[str | None, Query(max_length=4096)]


@router.get("/providers")
async def list_providers(auth: CurrentAuth) -> ProviderList:
    """Where else one may have an account to sign in with."""
    return ProviderList(items=[ProviderView.of(provider) for provider in auth.oauth.providers])


@router.post("/{provider}/begin", dependencies=[FromOwnPage])
async def begin(
    provider: ProviderId,
    body: BeginRequest,
    response: Response,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
) -> BeginView:
    """Begin to sign in."""
    url, secret = await auth.oauth.begin(provider, visitor, user_id=None, next_path=body.next)
    _remember(response, secret)
    return BeginView(url=url)


@router.post("/{provider}/link")
async def link(
    provider: ProviderId,
    body: BeginRequest,
    response: Response,
    auth: CurrentAuth,
    principal: Fresh,
    visitor: CurrentVisitor,
) -> BeginView:
    """Begin to add a way in to one's account."""
    url, secret = await auth.oauth.begin(provider, visitor, user_id=principal.user_id, next_path=body.next)
    _remember(response, secret)
    return BeginView(url=url)


@router.get("/{provider}/callback", include_in_schema=False)
async def callback(
    provider: ProviderId,
    request: Request,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
    state: Text = None,
    code: Text = None,
    iss: Text = None,
) -> RedirectResponse:
    """Where the provider sends the browser back to. What went wrong is told by the page."""
    try:
        came = await auth.oauth.finish(
            provider,
            state=state or "",
            # A refusal of the provider, or of the person there, has none.
            code=code or "",
            issuer=iss,
            secret=request.cookies.get(COOKIE),
            visitor=visitor,
        )
    except HeadraceError as error:
        # The browser keeps its secret: what failed may be somebody else's doing.
        return _to(f"/sign-in#problem={error.code}")
    if isinstance(came.grant, SecondStep):
        return _back(f"/sign-in#step={came.grant.token}.{'.'.join(came.grant.methods)}")
    response = _back(came.next)
    if came.grant is not None:
        set_cookies(response, came.grant)
    return response


@router.get("/identities")
async def list_identities(auth: CurrentAuth, principal: SignedIn) -> IdentityList:
    """The identities elsewhere that open one's account."""
    rows = await auth.oauth.of_user(principal.user_id)
    return IdentityList(items=[IdentityView.of(row) for row in rows])


@router.delete("/identities/{identity_id}", status_code=status.HTTP_204_NO_CONTENT)
async def unlink(
    auth: CurrentAuth,
    principal: Fresh,
    visitor: CurrentVisitor,
    identity_id: Annotated[str, Path(max_length=64)],
) -> None:
    """Take a way in away."""
    await auth.oauth.unlink(await auth.accounts.get(principal.user_id), identity_id, visitor)


def _remember(response: Response, secret: str) -> None:
    response.headers["cache-control"] = "no-store"
    response.set_cookie(
        COOKIE, secret, max_age=LIFETIME_SECONDS, path="/", secure=True, httponly=True, samesite="lax"
    )


def _to(path: str) -> RedirectResponse:
    response = RedirectResponse(path, status.HTTP_303_SEE_OTHER)
    response.headers["cache-control"] = "no-store"
    return response


def _back(path: str) -> RedirectResponse:
    response = _to(path)
    response.set_cookie(COOKIE, "", max_age=0, path="/", secure=True, httponly=True, samesite="lax")
    return response
