"""Sign in, refresh, sign out, the list of sessions, tickets for sockets, and the public keys."""

from fastapi import APIRouter, Request, Response, status

from auth.dependencies import CurrentAuth, CurrentVisitor, FromOwnPage, SignedIn, bearer_token
from auth.origin import is_browser
from auth.passkeys.schemas import (
    OptionsView,
    PasskeyRequest,
    SecondPasskeyOptionsRequest,
    SecondPasskeyRequest,
)
from auth.sessions.cookies import ACCESS_COOKIE, REFRESH_COOKIE, clear_cookies, set_cookies
from auth.sessions.schemas import (
    DeviceList,
    DeviceView,
    EndedSessions,
    JwksView,
    LoginRequest,
    RefreshTokenBody,
    SecondStepBody,
    SecondStepRequest,
    SecondStepView,
    SignedInView,
    StepUpRequest,
    TicketView,
    TokensView,
)
from auth.sessions.service import Grant
from auth.sessions.sign_in import SecondStep
from auth.sessions.tickets import LIFETIME_SECONDS

router = APIRouter(tags=["auth"])
well_known_router = APIRouter(tags=["auth"])


@router.post("/auth/login", dependencies=[FromOwnPage])
async def login(
    body: LoginRequest, request: Request, response: Response, auth: CurrentAuth, visitor: CurrentVisitor
) -> TokensView | SignedInView | SecondStepView:
    """Begin a session, or the second step of it where the account has a second factor."""
    grant = await auth.sign_in.with_password(body.email, body.password.get_secret_value(), visitor)
    if isinstance(grant, SecondStep):
        response.headers["cache-control"] = "no-store"
        step = SecondStepBody(token=grant.token, methods=list(grant.methods), expires_in=grant.expires_in)
        return SecondStepView(second_factor=step)
    return _answer(grant, response, in_cookies=is_browser(request))


@router.post("/auth/login/second-factor", dependencies=[FromOwnPage])
async def login_second_factor(
    body: SecondStepRequest, request: Request, response: Response, auth: CurrentAuth, visitor: CurrentVisitor
) -> TokensView | SignedInView:
    """Begin the session whose password was shown before."""
    grant = await auth.sign_in.with_second_factor(
        body.token.get_secret_value(), body.code.get_secret_value(), visitor
    )
    return _answer(grant, response, in_cookies=is_browser(request))


@router.post("/auth/login/second-factor/passkey/options", dependencies=[FromOwnPage])
async def second_passkey_options(
    body: SecondPasskeyOptionsRequest, response: Response, auth: CurrentAuth, visitor: CurrentVisitor
) -> OptionsView:
    """What a browser needs to take the second step with a passkey."""
    response.headers["cache-control"] = "no-store"
    token = body.token.get_secret_value()
    return OptionsView(public_key=await auth.sign_in.ask_for_second_passkey(token, visitor))


@router.post("/auth/login/second-factor/passkey", dependencies=[FromOwnPage])
async def login_second_passkey(
    body: SecondPasskeyRequest,
    request: Request,
    response: Response,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
) -> TokensView | SignedInView:
    """Begin the session whose password was shown before, with a passkey."""
    token = body.token.get_secret_value()
    grant = await auth.sign_in.with_second_passkey(token, body.credential, visitor)
    return _answer(grant, response, in_cookies=is_browser(request))


@router.post("/auth/login/passkey/options", dependencies=[FromOwnPage])
async def passkey_options(response: Response, auth: CurrentAuth, visitor: CurrentVisitor) -> OptionsView:
    """What a browser needs to sign in with a passkey alone."""
    response.headers["cache-control"] = "no-store"
    return OptionsView(public_key=await auth.sign_in.ask_for_passkey(visitor))


@router.post("/auth/login/passkey", dependencies=[FromOwnPage])
async def login_passkey(
    body: PasskeyRequest, request: Request, response: Response, auth: CurrentAuth, visitor: CurrentVisitor
) -> TokensView | SignedInView:
    """Begin a session with a passkey alone."""
    grant = await auth.sign_in.with_passkey(body.credential, visitor)
    return _answer(grant, response, in_cookies=is_browser(request))


@router.post("/auth/step-up/passkey/options")
async def step_up_passkey_options(response: Response, auth: CurrentAuth, principal: SignedIn) -> OptionsView:
    """What a browser needs to prove anew who one is, with a passkey."""
    response.headers["cache-control"] = "no-store"
    return OptionsView(public_key=await auth.sign_in.ask_for_passkey_again(principal))


@router.post("/auth/step-up")
async def step_up(
    body: StepUpRequest,
    request: Request,
    response: Response,
    auth: CurrentAuth,
    principal: SignedIn,
    visitor: CurrentVisitor,
) -> TokensView | SignedInView:
    """Prove anew who one is; another session takes the place of this one."""
    grant = await auth.sign_in.again(
        principal,
        password=body.password.get_secret_value() if body.password else None,
        code=body.code.get_secret_value() if body.code else None,
        passkey=body.passkey,
        visitor=visitor,
    )
    in_cookies = bearer_token(request) is None
    return _answer(grant, response, in_cookies=in_cookies)


@router.get("/auth/sessions")
async def list_sessions(auth: CurrentAuth, principal: SignedIn) -> DeviceList:
    """Where one is signed in, the session that was used last first."""
    rows = await auth.sessions.of_user(principal.user_id)
    return DeviceList(items=[DeviceView.of(row, current=principal.session_id) for row in rows])


@router.delete("/auth/sessions")
async def end_other_sessions(
    auth: CurrentAuth, principal: SignedIn, visitor: CurrentVisitor
) -> EndedSessions:
    """End all of one's sessions but this one."""
    ended = await auth.sessions.end_all_of(principal.user_id, "ended_by_owner", keep=principal.session_id)
    detail = {"sessions": ended}
    await auth.audit.record(
        "sessions.ended", visitor, actor=principal.user_id, target=principal.user_id, detail=detail
    )
    return EndedSessions(ended_sessions=ended)


@router.delete("/auth/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
async def end_session(
    session_id: str, auth: CurrentAuth, principal: SignedIn, visitor: CurrentVisitor
) -> None:
    """End one of one's sessions, at once and everywhere."""
    await auth.sessions.end_of(principal.user_id, session_id)
    await auth.audit.record("session.ended", visitor, actor=principal.user_id, target=session_id)


@router.post("/auth/refresh", dependencies=[FromOwnPage])
async def refresh(
    request: Request,
    response: Response,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
    body: RefreshTokenBody | None = None,
) -> TokensView | SignedInView:
    """The next pair of tokens. A body decides, else the cookie does."""
    token = _token_of(body)
    from_cookie = token is None
    if from_cookie:
        token = _refresh_cookie(request, auth)
    grant = await auth.sessions.refresh(token, visitor)
    return _answer(grant, response, in_cookies=from_cookie or is_browser(request))


@router.post("/auth/logout", status_code=status.HTTP_204_NO_CONTENT, dependencies=[FromOwnPage])
async def logout(
    request: Request,
    response: Response,
    auth: CurrentAuth,
    visitor: CurrentVisitor,
    body: RefreshTokenBody | None = None,
) -> None:
    """End the session, by whatever token of it there is."""
    access, refresh_token = bearer_token(request), _token_of(body)
    if access is None and refresh_token is None:
        refresh_token = _refresh_cookie(request, auth)
        access = request.cookies.get(ACCESS_COOKIE)
    ended = await auth.sessions.log_out(access, refresh_token)
    clear_cookies(response)
    if ended is not None:
        await auth.audit.record("logout", visitor, target=ended)


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
