"""Sign in, refresh, sign out, tickets for sockets, and the public keys."""

from fastapi import APIRouter, Request, Response, status

from auth.dependencies import CurrentAuth, CurrentVisitor, FromOwnPage, SignedIn, bearer_token
from auth.origin import is_browser
from auth.sessions.cookies import ACCESS_COOKIE, REFRESH_COOKIE, clear_cookies, set_cookies
from auth.sessions.schemas import (
    JwksView,
    LoginRequest,
    RefreshTokenBody,
    SignedInView,
    TicketView,
    TokensView,
)
from auth.sessions.service import Grant
from auth.sessions.tickets import LIFETIME_SECONDS

router = APIRouter(tags=["auth"])
well_known_router = APIRouter(tags=["auth"])


@router.post("/auth/login", dependencies=[FromOwnPage])
async def login(
    body: LoginRequest, request: Request, response: Response, auth: CurrentAuth, visitor: CurrentVisitor
) -> TokensView | SignedInView:
    """Begin a session."""
    grant = await auth.sessions.log_in(body.email, body.password.get_secret_value(), visitor)
    return _answer(grant, response, in_cookies=is_browser(request))


@router.post("/auth/refresh", dependencies=[FromOwnPage])
async def refresh(
    request: Request, response: Response, auth: CurrentAuth, body: RefreshTokenBody | None = None
) -> TokensView | SignedInView:
    """The next pair of tokens. A body decides, else the cookie does."""
    token = _token_of(body)
    from_cookie = token is None
    if from_cookie:
        token = _refresh_cookie(request, auth)
    grant = await auth.sessions.refresh(token)
    return _answer(grant, response, in_cookies=from_cookie or is_browser(request))


@router.post("/auth/logout", status_code=status.HTTP_204_NO_CONTENT, dependencies=[FromOwnPage])
async def logout(
    request: Request, response: Response, auth: CurrentAuth, body: RefreshTokenBody | None = None
) -> None:
    """End the session, by whatever token of it there is."""
    access, refresh_token = bearer_token(request), _token_of(body)
    if access is None and refresh_token is None:
        refresh_token = _refresh_cookie(request, auth)
        access = request.cookies.get(ACCESS_COOKIE)
    await auth.sessions.log_out(access, refresh_token)
    clear_cookies(response)


@router.post("/events/ticket")
async def issue_ticket(response: Response, auth: CurrentAuth, principal: SignedIn) -> TicketView:
    """A ticket that opens one WebSocket, for clients that cannot send a cookie."""
    response.headers["cache-control"] = "no-store"
    return TicketView(ticket=await auth.issue_ticket(principal), expires_in=LIFETIME_SECONDS)


@well_known_router.get("/.well-known/jwks.json")
async def jwks(response: Response, auth: CurrentAuth) -> JwksView:
    """The keys that our access tokens can be verified with."""
    response.headers["cache-control"] = "public, max-age=60"
    return JwksView.model_validate(auth.jwks())


def _answer(grant: Grant, response: Response, *, in_cookies: bool) -> TokensView | SignedInView:
    response.headers["cache-control"] = "no-store"
    tokens = TokensView.of(grant)
    if not in_cookies:
        return tokens
    set_cookies(response, grant)
    return SignedInView(user=tokens.user, expires_in=tokens.expires_in)


def _token_of(body: RefreshTokenBody | None) -> str | None:
    return body.refresh_token.get_secret_value() if body and body.refresh_token else None


def _refresh_cookie(request: Request, auth: CurrentAuth) -> str | None:
    """The cookie's token, if our own page sent it."""
    token = request.cookies.get(REFRESH_COOKIE)
    if token is not None:
        auth.origin.admit(request)
    return token
